"""Fetches what the static page and its tests need from npm: pinned versions, checked.

    python scripts/vendor_page.py [--out build]

`npm pack` downloads a package; its content must have the pinned SHA-512 (npm's "integrity"). Of onnxruntime-web, which
runs the model in the browser, the script, the WebAssembly module with its loader and the license are kept; of axe-core,
which tests the page's accessibility, the script. They are neither in the repository nor in the wheel: 14 MB that only
`organology page` needs.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """A package of npm, and the files of it that are kept."""

    name: str
    version: str
    integrity: str
    files: tuple[str, ...]
    license: str = ""


LICENSE = """MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


PACKAGES = (
    Package(
        "onnxruntime-web",
        "1.30.0",
        "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
        ("dist/ort.wasm.min.mjs", "dist/ort-wasm-simd-threaded.mjs", "dist/ort-wasm-simd-threaded.wasm"),
        LICENSE,  # the package has none in it
    ),
    Package(
        "axe-core",
        "4.14.1",
        "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        ("axe.min.js", "LICENSE"),
    ),
)


def fetch(package: Package, out: Path) -> None:
    """Put the files of a package into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"{package.name}@{package.version}", "--silent"]
        try:
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"error: {package.name} {package.version} cannot be fetched with npm: {error}")
        (archive,) = Path(folder).glob("*.tgz")
        found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != package.integrity:
            sys.exit(f"error: {package.name} {package.version} is not what was pinned: {found}")
        out.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as content:
            for name in package.files:
                member = content.extractfile(f"package/{name}")
                assert member is not None
                (out / Path(name).name).write_bytes(member.read())
    if package.license:
        (out / "LICENSE").write_text(f"{package.name} {package.version}\n\n{package.license}")
    print(f"{out}: {package.name} {package.version}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build"))
    out = parser.parse_args().out
    for package in PACKAGES:
        fetch(package, out / package.name)


if __name__ == "__main__":
    main()
