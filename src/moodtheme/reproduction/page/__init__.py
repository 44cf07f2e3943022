"""The report of a reproduction: one page to read, and the table as Markdown and CSV."""

from moodtheme.reproduction.page.write import PAGE, write_report

__all__ = ["PAGE", "write_report"]
