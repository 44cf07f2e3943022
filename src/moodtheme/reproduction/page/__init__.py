"""The report of a reproduction: one page to read, and the table as Markdown and CSV."""

from moodtheme.reproduction.page.write import write_report

__all__ = ["write_report"]
