"""What the tests take from the environment of whoever runs them: as little as can be."""

import os
import sys

PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"}
COLOURS = {
    "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS", "FORCE_COLOR", "GITHUB_ACTIONS", "LINES",
    "NO_COLOR", "PY_COLORS", "TTY_COMPATIBLE", "TTY_INTERACTIVE",
}  # fmt: skip
"""What Rich, Typer, Click and pytest ask before they draw; Typer does while it is imported."""
LOCALES = {"LANG", "LANGUAGE"}


def is_unwanted(name: str) -> bool:
    """Whether a variable changes what a program prints, or where it looks."""
    known = PROXIES | COLOURS | LOCALES
    return name.upper() in known or name.startswith(("LC_", "MOODTHEME_"))


def clean_environment() -> None:
    """Leave proxies, colours, locales and the user's settings out of this and new processes.

    The product honours them; a test that is about one sets it.
    """
    for name in filter(is_unwanted, list(os.environ)):
        del os.environ[name]
    if sys.platform == "linux":
        # Programs that know no UTF-8 mode, such as bash, write names of files by the locale.
        os.environ["LC_ALL"] = "C.UTF-8"
