"""For the docs site: links to files of the repository that are no pages become the names of these files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Rewrite links that lead out of `docs/`."""
    folder = Path(config["docs_dir"], page.file.src_uri).parent

    def put(found: re.Match[str]) -> str:
        target = found["target"]
        if "://" in target or target.startswith("mailto:"):
            return found[0]
        path = (folder / target).resolve()
        if path.is_relative_to(Path(config["docs_dir"]).resolve()) and path.is_file():
            return found[0]
        text = found["text"].strip("`")
        shown = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) and path.exists() else target
        return f"{found['text']} (`{shown}`)" if text != shown and Path(shown).name != text else f"`{shown}`"

    return _LINK.sub(put, markdown)
