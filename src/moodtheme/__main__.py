"""``python -m moodtheme``."""

from moodtheme.cli.app import main

main()
