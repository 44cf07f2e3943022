"""MkDocs hook: the documents outside ``docs`` are pages of the site too, and links lead there.

On GitHub every link leads from file to file. The site has the same files under the names below,
so the links are rewritten while it is built.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changes.md",
    "examples/emopia/README.md": "emopia.md",
    "CITATION.cff": "CITATION.cff",
    "examples/toolkit.ipynb": "toolkit.ipynb",
}
"""Documents outside ``docs``, from the repository's root, and their pages in the site."""

LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def site_link(target: str, document: str) -> str:
    """Where a link of a document leads within the site; both paths from the repository's root."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(document), target))
    return OUTSIDE.get(path, path.removeprefix("docs/"))


def on_files(files: Files, config: Any) -> Files:
    """Add the documents outside ``docs``."""
    for document, name in OUTSIDE.items():
        text = (ROOT / document).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Rewrite a page's links."""
    documents = {name: document for document, name in OUTSIDE.items()}
    source = page.file.src_uri
    document = documents.get(source, f"docs/{source}")
    return LINK.sub(lambda found: site_link(found[1], document), markdown)
