"""Getting sources: GitHub commits by git, Debian packages by apt, PyPI files by pip, other files by HTTP.

Everything is checked against a checksum (a commit's is its name) and kept in a cache, so that a second run, or one that
was stopped, goes on where it was.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from gathering.manifest import Get
from organology.errors import OrganologyError, one_line

DEBIAN_POOLS = ("https://deb.debian.org/debian", "https://snapshot.debian.org/archive/debian/20240601T000000Z")
BLOCK = 1 << 20
MOST_UNPACKED = 64 << 30
"""Bytes that one archive may hold, unpacked."""


class GatherError(OrganologyError):
    """A source cannot be had; one line."""


def fetch(get: Get, cache: Path, patterns: Sequence[str], mirror: Path | None = None) -> Path:
    """A folder with the files of a source, got and unpacked unless the cache has it.

    Parameters
    ----------
    get : Get
    cache : Path
    patterns : sequence of str
        Globs of the files that are wanted; of a GitHub repository nothing else is unpacked.
    mirror : Path or None
        Folder with copies of repositories, OWNER+NAME/repo (bare) or OWNER+NAME, to be asked before GitHub.

    Raises
    ------
    GatherError
        If it cannot be had, or its checksum is another.
    """
    name = file_name(get.url) if get.url else (get.github or get.debian or get.pypi).replace("/", "+")
    folder = cache / f"{get.kind}-{name}-{re.sub(r'[^A-Za-z0-9._+~-]', '_', get.ref)[:12] or 'file'}"
    key = hashlib.sha256("\n".join(sorted(patterns)).encode()).hexdigest()[:12]
    done = folder / f".done-{key}"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if get.github:
            _github(get, folder, patterns, cache, mirror)
        else:
            unpack(_package(get, cache / "packages"), folder)
        done.touch()
    return folder


def _run(command: Sequence[str | Path], cwd: Path | None = None) -> bytes:
    try:
        return subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, check=True).stdout
    except FileNotFoundError as error:
        raise GatherError(f"{command[0]}: program not found") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise GatherError(f"{' '.join(map(str, command[:3]))} …: {said[-1]}") from error


def _github(get: Get, folder: Path, patterns: Sequence[str], cache: Path, mirror: Path | None) -> None:
    owner_name = get.github.replace("/", "+")
    near = [p for p in ((mirror / owner_name / "repo", mirror / owner_name) if mirror else ()) if p.exists()]
    git_dir = near[0] if near else cache / "git" / owner_name
    git = ["git", f"--git-dir={git_dir}", "-c", "core.quotepath=off"]
    if not near:
        if not git_dir.exists():
            _run(["git", "init", "--quiet", "--bare", git_dir])
        _run([*git, "fetch", "--quiet", "--depth=1", f"https://github.com/{get.github}.git", get.ref])
    listed = _run([*git, "ls-tree", "-r", "-z", get.ref]).decode(errors="surrogateescape")
    wanted = []
    for entry in filter(None, listed.split("\0")):
        head, path = entry.split("\t", 1)
        mode, kind, blob = head.split()
        if kind == "blob" and mode != "120000" and any(matches(path, pattern) for pattern in patterns):
            wanted.append((blob, path))
    if not wanted:
        raise GatherError(f"{get.github}@{get.ref[:12]}: no file of it is wanted by the manifest")
    _write_blobs(git, wanted, folder, get)


def _write_blobs(git: list[str], wanted: list[tuple[str, str]], folder: Path, get: Get) -> None:
    lacking = 0
    with subprocess.Popen([*git, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for blob, path in wanted:
            target = inside(folder, path)
            process.stdin.write(f"{blob}\n".encode())
            process.stdin.flush()
            head = process.stdout.readline().split()
            if len(head) != 3:  # "HASH missing": a copy that lacks large files
                lacking += 1
                continue
            data = process.stdout.read(int(head[2]) + 1)[:-1]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        process.stdin.close()
    if lacking == len(wanted):
        raise GatherError(f"{get.github}@{get.ref[:12]}: the copy holds none of {lacking} files")
    if lacking:
        print(f"{get.github}@{get.ref[:12]}: {lacking} of {len(wanted)} files are not in this copy", file=sys.stderr)


def _package(get: Get, packages: Path) -> Path:
    """The file of a package or address, checked."""
    packages.mkdir(parents=True, exist_ok=True)
    if get.debian:
        found = _debian(get, packages)
    elif get.pypi:
        found = _pypi(get, packages)
    else:
        found = _http(get.url, packages / file_name(get.url))
    if get.sha256 and sha256(found) != get.sha256:
        found.unlink()
        raise GatherError(f"{get.place}: checksum is not that of the manifest; removed, try again")
    return found


def _debian(get: Get, packages: Path) -> Path:
    version = get.ref.split(":")[-1]  # an epoch is not part of the file's name
    there = [*packages.glob(f"{get.debian}_*{version}_*.deb")]
    if there:
        return there[0]
    if not shutil.which("apt-get"):
        raise GatherError(f"{get.place}: needs apt-get (Debian, Ubuntu), or {get.debian}_*.deb put into {packages}")
    try:
        _run(["apt-get", "download", f"{get.debian}={get.ref}"], cwd=packages)
    except GatherError:
        # another release has another version; the checksum, where there is one, will tell whether it is the same file
        _run(["apt-get", "download", get.debian], cwd=packages)
    found = sorted(packages.glob(f"{get.debian}_*.deb"))
    if not found:
        raise GatherError(f"{get.place}: apt-get left no file")
    return found[-1]


def _pypi(get: Get, packages: Path) -> Path:
    folder = packages / f"{get.pypi}-{get.ref}"
    if not folder.exists() or not any(folder.iterdir()):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        _run([*pip, f"{get.pypi}=={get.ref}"])
    return next(iter(sorted(folder.iterdir())))


def _http(url: str, target: Path) -> Path:
    """Download a file; one that was cut off goes on where it was, and is whole only at the length that was told."""
    if target.exists():
        return target
    part = target.with_name(target.name + ".part")
    whole = _append(url, part)
    size = part.stat().st_size
    if whole is not None and size != whole:
        if size > whole:
            part.unlink()
        raise GatherError(f"{url}: cut off at {size} of {whole} bytes; run again to go on")
    part.replace(target)
    return target


def _append(url: str, part: Path) -> int | None:
    """Get what `part` lacks of a file; give the length of the whole as far as the server tells it."""
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            goes_on = answer.status == 206
            length = answer.headers.get("Content-Length")
            with part.open("ab" if goes_on else "wb") as file:
                while block := answer.read(BLOCK):
                    file.write(block)
            return int(length) + (start if goes_on else 0) if length and length.isdigit() else None
    except urllib.error.HTTPError as error:
        if error.code != 416 or not start:
            raise GatherError(f"{url}: {error.reason}") from error
        if error.headers.get("Content-Range", "").rpartition("/")[2] == str(start):
            return start  # there is nothing behind what an earlier run got: it was all
        part.unlink()
        return _append(url, part)
    except (http.client.HTTPException, OSError) as error:
        raise GatherError(f"{url}: {getattr(error, 'reason', None) or one_line(error)}") from error


def file_name(url: str) -> str:
    """A safe file name for a URL; two URLs that end alike get different ones.

    Examples
    --------
    >>> file_name("https://example.org/a/kit.zip?x=1")
    '03f5abc4dc5f-kit.zip'
    """
    name = PurePosixPath(urllib.parse.urlsplit(url).path).name
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[-80:].lstrip(".") or "file"
    return f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{safe}"


def sha256(path: Path) -> str:
    """Checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(folder: Path, path: str) -> Path:
    """`path` within `folder`; a GatherError if it leads out of it."""
    target = (folder / path).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise GatherError(f"{path}: leads out of its source")
    return target


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a .deb, .zip, .whl or .tar.*; anything else is copied.

    Raises
    ------
    GatherError
        If it is no such archive, or leads out of the folder.
    """
    try:
        if archive.suffix == ".deb":
            _run(["dpkg-deb", "--extract", archive, folder])
        elif archive.suffix in (".zip", ".whl"):
            with zipfile.ZipFile(archive) as file:
                for name in file.namelist():
                    inside(folder, name)
                _check_size(archive, sum(member.file_size for member in file.infolist()))
                file.extractall(folder)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter=_within_size(archive))
        else:
            shutil.copy2(archive, folder)
    except GatherError:
        raise
    except Exception as error:  # BadZipFile, TarError, zlib.error, ...: whatever a damaged archive makes of its reader
        raise GatherError(f"{archive}: not an archive that can be unpacked ({one_line(error)})") from error


def _check_size(archive: Path, size: int) -> None:
    if size > MOST_UNPACKED:
        raise GatherError(f"{archive}: holds more than {MOST_UNPACKED >> 30} GiB; not unpacked")


def _within_size(archive: Path) -> Callable[[tarfile.TarInfo, str], tarfile.TarInfo | None]:
    """Tarfile's filter for data, which raises where the members together become too large."""
    size = 0

    def checked(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        nonlocal size
        size += member.size
        _check_size(archive, size)
        return tarfile.data_filter(member, path)

    return checked


def matches(path: str, pattern: str) -> bool:
    """Whether a path, parted by `/`, fits a glob; `**/` stands for any folders, `*` for what holds no `/`."""
    expression = "".join(
        {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token, re.escape(token))
        for token in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern)
    )
    return re.fullmatch(expression, path, re.IGNORECASE) is not None
