"""Fetches what the static page and its tests need from npm: pinned versions, checked.

    python scripts/vendor_page.py [--out build]

`npm pack` downloads a package; its content must have the pinned SHA-512 (npm's "integrity"). Of onnxruntime-web, which
runs the model in the browser, the script, the WebAssembly module with its loader and the license are kept; of axe-core,
which tests the page's accessibility, the script. They are neither in the repository nor in the wheel: 14 MB that only
`organology page` needs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from organology.errors import OrganologyError
from organology.serving.page.runtime import RUNTIME_FOLDER, RUNTIME_PACKAGE, integrity, runtime_files

AXE_PACKAGE = "axe-core@4.14.1"
AXE_INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
AXE_FILES = ("axe.min.js", "LICENSE")


def packed(package: str, folder: Path) -> Path:
    """The archive of a package, downloaded into an empty folder."""
    try:
        subprocess.run(["npm", "pack", package, "--silent"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {package} cannot be fetched with npm: {error}")
    (archive,) = folder.glob("*.tgz")
    return archive


def axe_files(archive: Path) -> dict[str, bytes]:
    """The files of axe-core that are kept."""
    found = integrity(archive.read_bytes())
    if found != AXE_INTEGRITY:
        sys.exit(f"error: {AXE_PACKAGE} is not what was pinned: {found}")
    files = {}
    with tarfile.open(archive) as content:
        for name in AXE_FILES:
            member = content.extractfile(f"package/{name}")
            assert member is not None
            files[name] = member.read()
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build"))
    out = parser.parse_args().out
    kept = {
        out / RUNTIME_FOLDER.name: (RUNTIME_PACKAGE, runtime_files),
        out / "axe-core": (AXE_PACKAGE, axe_files),
    }
    for folder, (package, files_of) in kept.items():
        with tempfile.TemporaryDirectory() as temporary:
            try:
                files = files_of(packed(package, Path(temporary)))
            except OrganologyError as error:
                sys.exit(f"error: {error}")
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        print(f"{folder}: {package}", file=sys.stderr)


if __name__ == "__main__":
    main()
