"""The one log file of a run's folder: a line for everything that was said, with the time."""

from datetime import UTC, datetime
from pathlib import Path

LOG = "log.txt"


class Log:
    """Appends lines; every sitting adds to what is there.

    Parameters
    ----------
    folder
        The run's, made if it is missing.

    Attributes
    ----------
    path
        The file.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / LOG

    def write(self, line: str) -> None:
        """Append a line, on the disk when this returns as far as Python can tell."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{now} {line}\n")
