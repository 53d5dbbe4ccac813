"""Our fields in each container, by mutagen."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from organology.errors import OrganologyError, show_traceback
from organology.extras import install_hint
from organology.filetags.content import SUFFIXES, container

FIELD, JOINED_FIELD, MODEL_FIELD = "ORGANOLOGY_INSTRUMENTS", "ORGANOLOGY_SUMMARY", "ORGANOLOGY_MODEL"
MP4_FIELD, MP4_JOINED_FIELD, MP4_MODEL_FIELD = (
    f"----:com.organology:{name}" for name in ("INSTRUMENTS", "SUMMARY", "MODEL")
)

_NAMES = (FIELD, JOINED_FIELD, MODEL_FIELD)
_MP4_NAMES = (MP4_FIELD, MP4_JOINED_FIELD, MP4_MODEL_FIELD)
_ID3_NAMES = tuple(f"TXXX:{name}" for name in _NAMES)
_SEPARATOR = "; "
_ID3V1_BYTES = 128
_CLASSES = {
    "mp3": ("mutagen.mp3", "MP3"),
    "wav": ("mutagen.wave", "WAVE"),
    "aiff": ("mutagen.aiff", "AIFF"),
    "flac": ("mutagen.flac", "FLAC"),
    "ogg vorbis": ("mutagen.oggvorbis", "OggVorbis"),
    "ogg opus": ("mutagen.oggopus", "OggOpus"),
    "ogg flac": ("mutagen.oggflac", "OggFLAC"),
    "mp4": ("mutagen.mp4", "MP4"),
}
_ID3_KINDS = ("mp3", "wav", "aiff")


@dataclass(frozen=True)
class Fields:
    """What our fields hold.

    Attributes
    ----------
    labels : tuple of str
        Empty: no such field.
    model : str
        Empty: no such field.
    joined : str
        All labels in one value, for players that show only the first of several. Empty: no such field.
    """

    labels: tuple[str, ...] = ()
    model: str = ""
    joined: str = ""

    @staticmethod
    def of(labels: Sequence[str], model: str = "") -> Fields:
        """The fields for labels and a model."""
        return Fields(tuple(labels), model, _SEPARATOR.join(labels))


def check_mutagen() -> None:
    """Check that tags can be read and written at all.

    Raises
    ------
    OrganologyError
        If mutagen is missing.
    """
    try:
        import mutagen  # noqa: F401
    except ImportError as error:
        raise OrganologyError(f"tags need mutagen: {install_hint('mutagen')} ({error})") from error


@contextmanager
def _one_line_errors(name: Path, what: str) -> Iterator[None]:
    """Turn whatever mutagen raises on a file into one line; on damaged ones that may be any error."""
    try:
        yield
    except OrganologyError:
        raise
    except OSError as error:
        raise OrganologyError(f"{name}: tags cannot be {what}: {error.strerror or error}") from error
    except Exception as error:
        show_traceback(error)
        cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else error
        reason = getattr(cause, "strerror", None) or " ".join(str(cause).split()) or type(cause).__name__
        raise OrganologyError(f"{name}: tags cannot be {what}: {reason}") from error


class TaggedFile:
    """A file with its tags.

    Parameters
    ----------
    path : Path
    name : Path, optional
        What errors call it. Default: `path`.

    Raises
    ------
    OrganologyError
        "NAME: reason" if it cannot be read, cannot carry our fields, or is of another kind than its suffix tells.
    """

    def __init__(self, path: Path, name: Path | None = None) -> None:
        self._path, self._name = path, name or path
        check_mutagen()
        with _one_line_errors(self._name, "read"):
            self._kind = self._checked(container(path))
            self._file = self._loaded()

    def _checked(self, kind: str | None) -> str:
        if kind is None:
            raise OrganologyError(f"{self._name}: this kind of file cannot carry the tag")
        suffix = self._name.suffix.lower()
        if kind == "wav" and not _has_its_length(self._path):
            raise OrganologyError(f"{self._name}: tags cannot be written: its header gives another length than it has")
        if suffix and suffix not in SUFFIXES[kind]:
            raise OrganologyError(f"{self._name}: tags cannot be written: it is {kind}, not what {suffix} tells")
        return kind

    def _loaded(self) -> Any:
        from importlib import import_module

        module, name = _CLASSES[self._kind]
        make = getattr(import_module(module), name)
        if self._kind not in _ID3_KINDS:
            return make(self._path)
        # Frames as they are: mutagen else turns those of 2.3 into those of 2.4.
        file = make(self._path, translate=False)
        if file.tags is not None and file.tags.size and file.tags.version[1] < 3:
            raise OrganologyError(f"{self._name}: tags cannot be written: ID3 2.2 has no such field")
        return file

    @property
    def fields(self) -> Fields:
        """Our fields as they are."""
        tags = self._file.tags
        if tags is None:
            return Fields()
        if self._kind in _ID3_KINDS:
            labels, joined, model = (list(map(str, tags[key].text)) if key in tags else [] for key in _ID3_NAMES)
            labels = [one for text in labels for one in text.split(_SEPARATOR)]
        elif self._kind == "mp4":
            labels, joined, model = (
                [bytes(value).decode("utf-8", "replace") for value in tags.get(key, ())] for key in _MP4_NAMES
            )
        else:
            labels, joined, model = (list(tags.get(name, [])) for name in _NAMES)
        return Fields(tuple(labels), "".join(model[:1]), "".join(joined[:1]))

    @property
    def others(self) -> object:
        """All else that is in the tags, to be compared."""
        tags = self._file.tags
        if self._kind in _ID3_KINDS:
            if tags is None:
                return {}, []
            return {key: repr(frame) for key, frame in tags.items() if key not in _ID3_NAMES}, tags.unknown_frames
        if self._kind == "mp4":
            return {key: repr(tags[key]) for key in tags or () if key not in _MP4_NAMES}
        comments = [(key, value) for key, value in tags or () if key.upper() not in _NAMES]
        blocks = getattr(self._file, "metadata_blocks", ())
        return comments, [(block.code, block.write()) for block in blocks if block.code not in (1, 4)]  # padding, tags

    def write(self, fields: Fields) -> None:
        """Put our fields into the file; one for which there is nothing is taken away."""
        with _one_line_errors(self._name, "written"):
            if self._file.tags is None:
                self._file.add_tags()
            if self._kind in _ID3_KINDS:
                self._write_id3(fields)
                return
            if self._kind == "mp4":
                from mutagen import mp4

                free: Any = mp4.MP4FreeForm
                for name, texts in zip(_MP4_NAMES, _texts(fields), strict=True):
                    self._set(name, [free(text.encode(), mp4.AtomDataType.UTF8) for text in texts])
            else:
                for name, texts in zip(_NAMES, _texts(fields), strict=True):
                    self._set(name, texts)
            self._file.save()

    def _set(self, key: str, values: Sequence[Any]) -> None:
        if values:
            self._file.tags[key] = values
        elif key in self._file.tags:
            del self._file.tags[key]

    def _write_id3(self, fields: Fields) -> None:
        from mutagen import id3

        frame: Any = id3.TXXX
        tags = self._file.tags
        version = tags.version[1] if tags.size else 4 if self._kind == "mp3" else 3
        version = max(version, 3)  # a tag at the end (ID3v1) alone
        for name, values in zip(_NAMES, _texts(fields), strict=True):
            text = values if version == 4 or not values else [_SEPARATOR.join(values)]
            tags.delall(f"TXXX:{name}")
            if text:
                old = id3.Encoding.LATIN1 if "".join(text).isascii() else id3.Encoding.UTF16
                tags.add(frame(encoding=id3.Encoding.UTF8 if version == 4 else old, desc=name, text=text))
        last = _id3v1(self._path)
        self._file.save(v2_version=version, v23_sep=None)
        if last and _id3v1(self._path) != last:  # mutagen writes the old tag at the end anew, from the new one
            with self._path.open("rb+") as file:
                file.seek(-_ID3V1_BYTES, os.SEEK_END)
                file.write(last)


def _texts(fields: Fields) -> tuple[list[str], list[str], list[str]]:
    """The values of each field; none where it is to be taken away."""
    joined, model = ([text] if text else [] for text in (fields.joined, fields.model))
    return list(fields.labels), joined, model


def _id3v1(path: Path) -> bytes:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) < _ID3V1_BYTES:
            return b""
        file.seek(-_ID3V1_BYTES, os.SEEK_END)
        last = file.read()
    return last if last.startswith(b"TAG") else b""


def _has_its_length(path: Path) -> bool:
    """Whether a RIFF file is as long as it says; one that a pipe wrote, or that was cut, is not."""
    with path.open("rb") as file:
        declared = int.from_bytes(file.read(8)[4:], "little") + 8
        return declared <= file.seek(0, os.SEEK_END) + 1  # the last byte of padding may be missing
