"""XML as reports write it: made of elements, never of pasted text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, escaped or not; hosts say such things."""
_NOT_IN_A_NAME = re.compile(r"[^\w.-]", re.ASCII)


def clean(text: str) -> str:
    """The text with a mark instead of what XML cannot hold."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def name(text: str) -> str:
    """The text as part of an XML name."""
    return _NOT_IN_A_NAME.sub("-", text) or "-"


def add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    """A new last child. `language=` is its xml:lang; underscores of attributes stand for hyphens."""
    element = ET.SubElement(parent, tag, named(attributes))
    element.text = clean(text) or None
    return element


def named(attributes: dict[str, str]) -> dict[str, str]:
    """Attributes by their names in XML."""
    return {
        "xml:lang" if key == "language" else key.replace("_", "-"): clean(value)
        for key, value in attributes.items()
    }


def written(root: ET.Element, namespaces: Iterable[tuple[str, str]] = ()) -> bytes:
    """The document as UTF-8. `namespaces` are the prefixes that it declares at its root."""
    for prefix, uri in namespaces:
        root.set(f"xmlns:{prefix}" if prefix else "xmlns", uri)
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()
