"""Runs the command line in this process, errors and exit status included."""

import pytest


class Program:
    """Call it with arguments; get the exit status, standard output and standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capsys, self._patch = capsys, patch

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        # Not before the environment is clean: Typer asks it for colours when it is imported.
        from moodtheme.cli import app

        self._patch.setattr("sys.argv", ["moodtheme", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        out, err = self._capsys.readouterr()
        return int(ended.value.code or 0), out, err
