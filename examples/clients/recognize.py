"""What plays in recordings, by httpx: python recognize.py song.ogg ... [--server http://127.0.0.1:8000]

A token, where the server wants one, is in ORGANOLOGY_TOKEN.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import httpx


def recognize(web: httpx.Client, path: Path) -> dict[str, Any]:
    """The recognition of a file, as `recognition.schema.json` describes it; waits as the server asks."""
    while True:
        with path.open("rb") as file:
            answer = web.post("/v1/recognitions", params={"wait": 0}, files={"file": (path.name, file)})
        if answer.status_code not in (429, 503):
            break
        time.sleep(float(answer.headers.get("Retry-After", 1)))
    _check(answer)
    place = answer.headers["Location"]
    try:
        while (answer := web.get(place)).status_code == 202:
            time.sleep(float(answer.headers["Retry-After"]))
        _check(answer)
        return dict(answer.json())
    finally:
        web.delete(place)


def _check(answer: httpx.Response) -> None:
    if answer.is_error:
        raise SystemExit(f"{answer.status_code}: {answer.json()['error']}")


def main() -> None:
    """Read arguments, recognize, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--server", default="http://127.0.0.1:8000")
    settings = parser.parse_args()
    token = os.environ.get("ORGANOLOGY_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=settings.server, headers=headers, timeout=60) as web:
        for path in settings.files:
            found = recognize(web, path)
            print(f"{path}: {', '.join(found['instruments']) or 'nothing'}")


if __name__ == "__main__":
    main()
