"""Pictures of a page: loaded when they come into view, in the place that is kept for them, and in one scheme only.

A picture that is not shown, such as the dark one on a light page, never comes into view.
"""

from pathlib import Path
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.treeprocessors import Treeprocessor


def size(webp: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP, by its header; None when it is no WebP, or one without loss."""
    if webp[8:16] == b"WEBPVP8 ":
        return int.from_bytes(webp[26:28], "little") & 0x3FFF, int.from_bytes(webp[28:30], "little") & 0x3FFF
    if webp[8:16] == b"WEBPVP8X":
        return int.from_bytes(webp[24:27], "little") + 1, int.from_bytes(webp[27:30], "little") + 1
    return None


class Pictures(Treeprocessor):
    """Gives each WebP of a page its size, and says that it can wait."""

    def __init__(self, md: Markdown, docs: Path) -> None:
        """`docs` is the folder of the pages, from which a picture is named."""
        super().__init__(md)
        self.docs = docs

    def run(self, root: Element) -> None:
        """Change the tree of a page; a picture that is not there is the builder's to report."""
        for picture in root.iter("img"):
            file = self.docs / picture.get("src", "").partition("#")[0]
            if file.suffix == ".webp" and file.is_file() and (pixels := size(file.read_bytes())):
                picture.attrib |= {"loading": "lazy", "width": str(pixels[0]), "height": str(pixels[1])}
