#!/usr/bin/env python3
"""Draw docs/images/timeline.png, the picture at the top of README.md: what plays in an example recording, and when.

pip install '.[plot]'
python scripts/make_timeline_picture.py
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from typer.testing import CliRunner

from organology.cli import command_line

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "timeline.png"
RECORDING = "mutilated-mime.ogg"


def main() -> None:
    with contextlib.chdir(ROOT / "examples"):
        result = CliRunner().invoke(command_line(), ["recognize", RECORDING, "--plot", str(PICTURE), "--no-brief"])
    if result.exit_code:
        raise SystemExit(f"organology recognize {RECORDING}: {result.exception}")
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
