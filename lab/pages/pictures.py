"""Pictures of a page: loaded when they come into view, in the place that is kept for them, and in one scheme only.

A paragraph of them, the light and the dark one, is a figure, and its caption is what they say to whoever does not see them.

A picture that is not shown, such as the dark one on a light page, never comes into view.
"""

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.treeprocessors import Treeprocessor


def size(webp: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP, by its header; None when it is no WebP, or one without loss."""
    if webp[8:16] == b"WEBPVP8 ":
        return int.from_bytes(webp[26:28], "little") & 0x3FFF, int.from_bytes(webp[28:30], "little") & 0x3FFF
    if webp[8:16] == b"WEBPVP8X":
        return int.from_bytes(webp[24:27], "little") + 1, int.from_bytes(webp[27:30], "little") + 1
    return None


def caption(paragraph: Element) -> str:
    """What the pictures of a paragraph show, if they say the same, can wait, and are all that is in it; else nothing."""
    words = [paragraph.text, *(child.tail for child in paragraph)]
    alone = not any(word and word.strip() for word in words)
    waiting = all(child.tag == "img" and child.get("loading") for child in paragraph)
    said = {child.get("alt", "") for child in paragraph}
    return said.pop() if alone and waiting and len(said) == 1 else ""


class Pictures(Treeprocessor):
    """Gives each WebP of a page its size, says that it can wait, and puts what it shows below it."""

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
        for paragraph in root.iter("p"):
            if shown := caption(paragraph):
                paragraph.tag = "figure"
                paragraph.set("class", "screenshot")
                below = SubElement(paragraph, "figcaption", {"aria-hidden": "true"})  # the picture has said it
                below.text = shown
