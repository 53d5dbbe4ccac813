"""What writers of XML share: text that any parser takes, and the way to a recording's file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from organology.recognition.result import Recognition

_CHANNEL = re.compile(r"(?P<name>.*)#ch\d+", re.DOTALL)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def valid_text(text: str) -> str:
    r"""A text without characters that XML does not allow; each becomes U+FFFD.

    >>> valid_text("a\x00b")
    'a\ufffdb'
    """
    return _NOT_XML.sub("\ufffd", text)


def document(root: ElementTree.Element, doctype: str = "") -> str:
    """An element as a whole document, indented, ending with a line feed."""
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}{text}\n'


def file_of(recognition: Recognition) -> Path | None:
    """The file of a recording, also of one of its channels (`FILE#chN`); None if there is none."""
    split = _CHANNEL.fullmatch(recognition.source)
    for name in (recognition.source, split["name"] if split else ""):
        try:
            if name and Path(name).is_file():
                return Path(name)
        except (OSError, ValueError):
            continue
    return None


def relative_url(file: Path, folder: Path) -> str:
    """The way from a folder to a file as a URL that begins with `./`, percent-encoded by the bytes of the name."""
    try:
        way: str = os.path.relpath(str(file), str(folder))
    except ValueError:  # another drive
        return file.absolute().as_uri()
    return "./" + quote(os.fsencode(Path(way).as_posix()))
