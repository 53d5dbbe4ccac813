"""What plays, written into the recordings themselves: one tag field of our own, all else left as it is.

=====================  ======================================================
file                   field
=====================  ======================================================
mp3, wav, aiff (ID3)   `TXXX:ORGANOLOGY_INSTRUMENTS`
flac, ogg, opus, oga   `ORGANOLOGY_INSTRUMENTS`, a Vorbis comment for each label
m4a, mp4               `----:com.organology:INSTRUMENTS`, a value for each label
=====================  ======================================================

ID3 2.4 holds the labels as several values; ID3 2.3 knows one, so they are joined by "; ". The version that a file has
is kept (2.2, which has no such field, becomes 2.3); a new tag is 2.4, in wav and aiff 2.3, which more programs read.

A file is never lost: the tag is written into a copy beside it, the copy is read again (the tag, the length, rate and
channels of the audio), and renamed over the file. The copy keeps the permissions; its time of last change is that of
the writing, so that backups see it. Hard links to the old file keep the old content; a symbolic link stays one, and
its target is written.

mutagen does the formats; it is imported inside.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from organology.errors import OrganologyError

FIELD = "ORGANOLOGY_INSTRUMENTS"
MP4_FIELD = "----:com.organology:INSTRUMENTS"

_ID3_KEY = f"TXXX:{FIELD}"
_SEPARATOR = "; "
_ID3V1_BYTES = 128


@dataclass(frozen=True)
class Change:
    """What happens to the field of a file.

    Attributes
    ----------
    path : Path
    before, after : tuple of str
        Labels in the field; empty: no field.
    """

    path: Path
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def is_change(self) -> bool:
        """Whether the file has to be written."""
        return self.before != self.after

    def told(self, done: bool) -> str:
        """One line for the user."""
        if not self.is_change:
            return f"{self.path}: tag is already so: {_listed(self.after)}"
        verb = "wrote" if done else "would write"
        was = f" (was {_listed(self.before)})" if self.before else ""
        return f"{self.path}: {verb} {FIELD}: {_listed(self.after)}{was}"


def _listed(labels: Sequence[str]) -> str:
    return _SEPARATOR.join(labels) if labels else "nothing"


def read_tags(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """The labels in a file's field, () if there is none.

    Raises
    ------
    OrganologyError
        "PATH: reason" if the file cannot be read or carries no tags.
    """
    return _Tagged(Path(path)).labels


def write_tags(path: str | os.PathLike[str], labels: Sequence[str], dry_run: bool = True) -> Change:
    """Write labels into a file's field; without labels the field is taken away.

    Parameters
    ----------
    path : path
    labels : sequence of str
    dry_run : bool
        Only tell what would be written.

    Raises
    ------
    OrganologyError
        "PATH: reason" if the file carries no tags or cannot be written. It is then as it was.
    """
    given = Path(path)
    change = Change(given, read_tags(given), tuple(labels))
    if dry_run or not change.is_change:
        return change
    target = Path(os.path.realpath(given))
    try:
        _replace(target, given, change.after)
    except OSError as error:
        raise OrganologyError(f"{given}: tags cannot be written: {error.strerror or error}") from error
    return change


def _replace(target: Path, given: Path, labels: tuple[str, ...]) -> None:
    if not os.access(target, os.W_OK):
        raise OrganologyError(f"{given}: tags cannot be written: no permission")
    before = target.stat()
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}.", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    copy = Path(name)
    try:
        shutil.copyfile(target, copy)
        tagged = _Tagged(copy, given)
        audio = tagged.audio
        tagged.write(labels)
        again = _Tagged(copy, given)
        if again.labels != labels or again.audio != audio:
            raise OrganologyError(f"{given}: tags cannot be written: they do not read back")
        shutil.copymode(target, copy)
        with suppress(OSError):  # another owner: only root may
            if hasattr(os, "chown"):
                os.chown(copy, before.st_uid, before.st_gid)
        with copy.open("rb+") as file:
            os.fsync(file.fileno())
        now = target.stat()
        if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise OrganologyError(f"{given}: tags were not written: the file changed meanwhile")
        copy.replace(target)
    finally:
        copy.unlink(missing_ok=True)


class _Tagged:
    """A file with its tags, by what it is and not by its suffix."""

    def __init__(self, path: Path, name: Path | None = None) -> None:
        self._path, self._name = path, name or path
        try:
            import mutagen
        except ImportError as error:
            raise OrganologyError(f"tags need mutagen: pip install 'organology[tags]' ({error})") from error
        try:
            self._file: Any = mutagen.File(path)
            if self._file is not None and self._is_id3():
                self._file = self._reloaded()
        except (mutagen.MutagenError, OSError, ValueError, KeyError, IndexError) as error:
            reason = " ".join(str(error).split()).replace(str(path), "").strip(" :'") or type(error).__name__
            raise OrganologyError(f"{self._name}: tags cannot be read: {reason}") from error
        if self._file is None or not (self._is_id3() or self._is_mp4() or self._is_vorbis()):
            raise OrganologyError(f"{self._name}: this kind of file cannot carry the tag")

    def _kind(self) -> str:
        return type(self._file).__name__

    def _is_id3(self) -> bool:
        return self._kind() in ("MP3", "WAVE", "AIFF")

    def _is_mp4(self) -> bool:
        return self._kind() == "MP4"

    def _is_vorbis(self) -> bool:
        return self._kind() in ("FLAC", "OggVorbis", "OggOpus", "OggFLAC", "OggSpeex")

    def _reloaded(self) -> Any:
        """With its frames as they are: mutagen else turns those of 2.3 into those of 2.4."""
        old = self._file.tags is not None and self._file.tags.version[:2] < (2, 3)
        return self._file if old else type(self._file)(self._path, translate=False)

    @property
    def audio(self) -> tuple[Any, ...]:
        """What the audio is like; tags do not change it."""
        info = self._file.info
        return tuple(getattr(info, name, None) for name in ("length", "sample_rate", "channels"))

    @property
    def labels(self) -> tuple[str, ...]:
        """In the field."""
        tags = self._file.tags
        if tags is None:
            return ()
        if self._is_id3():
            frame = tags.get(_ID3_KEY)
            return () if frame is None else tuple(one for text in frame.text for one in str(text).split(_SEPARATOR))
        if self._is_mp4():
            return tuple(bytes(value).decode("utf-8", "replace") for value in tags.get(MP4_FIELD, ()))
        return tuple(tags.get(FIELD, ()))

    def write(self, labels: tuple[str, ...]) -> None:
        """Put labels into the field and save."""
        if self._file.tags is None:
            self._file.add_tags()
        if self._is_id3():
            self._write_id3(labels)
            return
        if self._is_mp4():
            from mutagen import mp4

            free: Any = mp4.MP4FreeForm
            key, values = MP4_FIELD, [free(label.encode(), mp4.AtomDataType.UTF8) for label in labels]
        else:
            key, values = FIELD, list(labels)
        if labels:
            self._file.tags[key] = values
        elif key in self._file.tags:
            del self._file.tags[key]
        self._file.save()

    def _write_id3(self, labels: tuple[str, ...]) -> None:
        from mutagen import id3

        text_frame: Any = id3.TXXX
        tags = self._file.tags
        version = tags.version[1] if tags.size else 4 if self._kind() == "MP3" else 3
        version = max(version, 3)
        tags.delall(_ID3_KEY)
        if labels:
            text = list(labels) if version == 4 else [_SEPARATOR.join(labels)]
            encoding = id3.Encoding.UTF8 if version == 4 else id3.Encoding.LATIN1  # labels are ASCII
            tags.add(text_frame(encoding=encoding, desc=FIELD, text=text))
        last = _id3v1(self._path)
        self._file.save(v2_version=version, v23_sep=None)
        if last and _id3v1(self._path) != last:  # mutagen writes the old tag at the end anew, from the new one
            with self._path.open("rb+") as file:
                file.seek(-_ID3V1_BYTES, os.SEEK_END)
                file.write(last)


def _id3v1(path: Path) -> bytes:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) < _ID3V1_BYTES:
            return b""
        file.seek(-_ID3V1_BYTES, os.SEEK_END)
        last = file.read()
    return last if last.startswith(b"TAG") else b""
