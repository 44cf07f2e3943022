"""What is fetched: published weights, packages, lists; verified, and kept in one folder."""

import os
import re
from pathlib import Path

import platformdirs

ENVIRONMENT_VARIABLE = "MOODTHEME_CACHE"


def cache_dir() -> Path:
    """
    Return the folder for fetched files: weights, bundles, metadata of datasets.

    It is ``$MOODTHEME_CACHE`` where that is set, else the user's cache folder by the custom of
    the operating system. The folder is not made here; whoever writes into it makes it.
    """
    chosen = os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("moodtheme", appauthor=False)


def without_password(address: str) -> str:
    """An address as it may be printed: without the name and password that it may hold."""
    return re.sub(r"//[^/@]*@", "//", address)
