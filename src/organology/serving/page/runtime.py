"""onnxruntime-web, which runs the model in the browser: a script and 14 MB of WebAssembly.

It is not part of this package, and nothing is fetched: `npm pack {RUNTIME_PACKAGE}` downloads it, whoever does so. The
pinned version is checked by npm's "integrity".
"""

from __future__ import annotations

import base64
import hashlib
import tarfile
from importlib import resources
from io import BytesIO
from pathlib import Path, PurePosixPath

from organology.errors import OrganologyError, one_line

RUNTIME_PACKAGE = "onnxruntime-web@1.30.0"
RUNTIME_INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
RUNTIME_ARCHIVE = f"{RUNTIME_PACKAGE.replace('@', '-')}.tgz"
"""As `npm pack` names it."""

_LICENSE = "LICENSE"
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm", _LICENSE)

RUNTIME_FOLDER = Path("build", "onnxruntime-web")
"""Where `scripts/vendor_page.py` puts them, relative to the project."""

_HINT = f"`npm pack {RUNTIME_PACKAGE}` fetches it; then give --runtime {RUNTIME_ARCHIVE}"


def runtime_files(place: Path) -> dict[str, bytes]:
    """The files of the runtime by their names.

    Parameters
    ----------
    place : Path
        A folder with `RUNTIME_FILES`, or the archive of the pinned version as npm packs it.

    Raises
    ------
    OrganologyError
        If something is missing, or the archive is another one.
    """
    if not place.is_file():
        return {name: _read(place / name) for name in RUNTIME_FILES}
    content = _read(place)
    if integrity(content) != RUNTIME_INTEGRITY:
        raise OrganologyError(f"{place}: not {RUNTIME_PACKAGE} as npm packs it; {_HINT}")
    return unpacked(content)


def integrity(archive: bytes) -> str:
    """A package's content as npm pins it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()


def unpacked(archive: bytes) -> dict[str, bytes]:
    """The files in an archive of npm, and the license, which the package has not in it."""
    files = {_LICENSE: (resources.files("organology.serving.page") / "assets/onnxruntime-web-license.txt").read_bytes()}
    with tarfile.open(fileobj=BytesIO(archive)) as opened:
        for member in opened:
            name = PurePosixPath(member.name)
            if name.name in RUNTIME_FILES and name.parent == PurePosixPath("package/dist"):
                held = opened.extractfile(member)
                if held is not None:
                    files[name.name] = held.read()
    return files


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise OrganologyError(f"{path}: not there; {_HINT}") from None
    except OSError as error:
        raise OrganologyError(f"{path}: cannot be read: {one_line(error)}") from error
