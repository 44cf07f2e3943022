"""Install a browser for the tests of the report, where that can be done without asking.

Never fails: where it cannot be done, one line says how to do it, and those tests are skipped.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""What Chromium is called where it is installed for everyone."""


def installed_browser() -> str | None:
    """Path of a Chromium of the system, or of Playwright's own; None where there is neither."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        own = driver.chromium.executable_path
    return own if Path(own).exists() else None


def install() -> None:
    """Try the system's packages, where they may be installed, then Playwright's own browser."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(
                ["apt-get", "-qq", *words], env=environment, stdout=subprocess.DEVNULL, check=False,
                stderr=subprocess.DEVNULL, timeout=300,
            )  # fmt: skip
    if installed_browser() is None:
        subprocess.run(
            [sys.executable, "-m", "playwright", "install", "chromium"], check=False, timeout=300,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def main() -> None:
    try:
        if installed_browser() is None:
            print("Installing a browser for the tests of the report…", flush=True)
            install()
        missing = installed_browser() is None
    except Exception as error:
        print(f"No browser was installed ({error}).")
        missing = True
    if missing:
        print("The report is not tested in a browser; put any Chromium on PATH to have it tested.")


if __name__ == "__main__":
    main()
