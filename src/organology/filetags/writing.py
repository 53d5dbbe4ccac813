"""What plays, written into the recordings themselves: three fields of our own, all else left as it is.

=====================  ================================  =============================  =========================
file                   what plays                        the same in one value          the model
=====================  ================================  =============================  =========================
mp3, wav, aiff (ID3)   `TXXX:ORGANOLOGY_INSTRUMENTS`     `TXXX:ORGANOLOGY_SUMMARY`      `TXXX:ORGANOLOGY_MODEL`
flac, ogg, opus, oga   `ORGANOLOGY_INSTRUMENTS`          `ORGANOLOGY_SUMMARY`           `ORGANOLOGY_MODEL`
m4a, mp4               `----:com.organology:INSTRUMENTS` `----:com.organology:SUMMARY`  `----:com.organology:MODEL`
=====================  ================================  =============================  =========================

Labels are several values, of which many players show only the first: the summary joins them by "; ". ID3 2.3 knows one
value, so there both fields are joined. The version of ID3 that a file has is kept; a new tag is 2.4, in wav and aiff
2.3, which more programs read.

A file is never lost. The fields are written into a copy beside it; the copy is read again: our fields, all other tags,
and the compressed audio, packet by packet; it is written to the disk and renamed over the file. Killed at any time, the
file is as it was or has its tags; what may be left is the copy, `.organology-….SUFFIX`, which the next run removes. The
copy keeps permissions, owner (where that is allowed) and extended attributes; its time of last change is that of the
writing, so that backups see it.

mutagen knows the formats; it is imported where it is needed.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from organology.atomic import sync, temporary_beside
from organology.errors import OrganologyError
from organology.filetags.content import packets
from organology.filetags.fields import FIELD, MODEL_FIELD, MP4_FIELD, MP4_MODEL_FIELD, Fields, TaggedFile

__all__ = [
    "FIELD",
    "MODEL_FIELD",
    "MP4_FIELD",
    "MP4_MODEL_FIELD",
    "Change",
    "read_model",
    "read_tags",
    "remove_tags",
    "write_tags",
]


@dataclass(frozen=True)
class Change:
    """What happens to the fields of a file.

    Attributes
    ----------
    path : Path
    before, after : tuple of str
        Labels in the field; empty: no field.
    model_before, model_after : str
        Which model said so; empty: no field.
    has_summary : bool
        The labels in one value are there already as they have to be.
    """

    path: Path
    before: tuple[str, ...]
    after: tuple[str, ...]
    model_before: str = ""
    model_after: str = ""
    has_summary: bool = True

    @property
    def is_change(self) -> bool:
        """Whether the file has to be written."""
        return (self.before, self.model_before) != (self.after, self.model_after) or not self.has_summary

    def describe(self, done: bool) -> str:
        """One line for the user."""
        if not self.is_change:
            return f"{self.path}: tag is already so: {_listed(self.after)}"
        if not (self.after or self.model_after):
            return f"{self.path}: {'removed' if done else 'would remove'} {FIELD}: {_listed(self.before)}"
        verb = "wrote" if done else "would write"
        was = ""
        if self.before != self.after and (self.before or self.model_before):
            was = f" (was {_listed(self.before)})"
        elif self.model_before != self.model_after and self.model_before:
            was = f" (was so by {self.model_before})"
        return f"{self.path}: {verb} {FIELD}: {_listed(self.after)}{was}"


def _listed(labels: Sequence[str]) -> str:
    return "; ".join(labels) if labels else "nothing"


def read_tags(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """The labels in a file's field, () if there is none.

    Raises
    ------
    OrganologyError
        "PATH: reason" if the file cannot be read or carries no tags.
    """
    return TaggedFile(Path(path)).fields.labels


def read_model(path: str | os.PathLike[str]) -> str:
    """What the file says of the model that said so, "" if nothing; errors as of `read_tags`."""
    return TaggedFile(Path(path)).fields.model


def write_tags(
    path: str | os.PathLike[str],
    labels: Sequence[str],
    dry_run: bool = True,
    model: str = "",
    unchanged_since_ns: int | None = None,
) -> Change:
    """Write what plays into a file; a field for which there is nothing is taken away.

    Parameters
    ----------
    path : path
        Its container is that which its suffix tells.
    labels : sequence of str
    dry_run : bool
        Only tell what would be written; what would hinder it is an error here, too.
    model : str
        Which model said so.
    unchanged_since_ns : int, optional
        A file that was changed after this time (nanoseconds since 1970) is not what was recognized, and is not written.

    Returns
    -------
    Change
        What was there and what is written. Where they are the same the file is not touched.

    Raises
    ------
    OrganologyError
        "PATH: reason" if the file carries no tags, is of another kind than its suffix tells, is a symbolic link, has
        several names (hard links), is read-only, was changed meanwhile, or cannot be written. It is then as it was.
    """
    given, fields = Path(path), Fields.of(labels, model)
    try:
        before = given.lstat()
        _check(given, before)
        tagged = TaggedFile(given)
        was = tagged.fields
        change = Change(given, was.labels, fields.labels, was.model, fields.model, was.joined == fields.joined)
        if not change.is_change:
            return change
        if unchanged_since_ns is not None and before.st_mtime_ns > unchanged_since_ns:
            raise OrganologyError(f"{given}: tags were not written: the file was changed since it was recognized")
        if not dry_run:
            _replace(given, before, fields, tagged.others)
    except OSError as error:
        raise OrganologyError(f"{given}: tags cannot be written: {error.strerror or error}") from error
    return change


def remove_tags(path: str | os.PathLike[str], dry_run: bool = True) -> Change:
    """Take our fields out of a file; parameters and errors as of `write_tags`."""
    return write_tags(path, (), dry_run)


def _check(path: Path, state: os.stat_result) -> None:
    """What hinders a copy from taking the place of a file."""
    reason = ""
    if stat.S_ISLNK(state.st_mode):
        reason = "a symbolic link; name the file itself"
    elif not stat.S_ISREG(state.st_mode):
        reason = "not a file"
    elif not state.st_mode & 0o222 or not os.access(path, os.W_OK):
        reason = "read-only"
    elif not os.access(path.parent, os.W_OK):
        reason = "its folder is read-only"
    elif state.st_nlink > 1:
        reason = f"it has {state.st_nlink} names (hard links), and the others would keep the file without tags"
    if reason:
        raise OrganologyError(f"{path}: tags cannot be written: {reason}")


def _replace(path: Path, before: os.stat_result, fields: Fields, others: object) -> None:
    lock, copy = temporary_beside(path)
    try:
        shutil.copyfile(path, copy)
        TaggedFile(copy, path).write(fields)
        _verify(path, copy, fields, others)
        _take_after(copy, path, before)
        sync(copy)
        now = path.lstat()
        if _state(now) != _state(before):
            raise OrganologyError(f"{path}: tags were not written: the file was changed meanwhile")
        copy.replace(path)
        sync(path.parent)
    finally:
        os.close(lock)
        copy.unlink(missing_ok=True)


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev


def _verify(path: Path, copy: Path, fields: Fields, others: object) -> None:
    """That the copy has our fields, and everything else that the file has."""
    again = TaggedFile(copy, path)
    if again.fields != fields:
        raise OrganologyError(f"{path}: tags were not written: they do not read back")
    if again.others != others:
        raise OrganologyError(f"{path}: tags were not written: its other tags would not stay what they are")
    if packets(path, path) != packets(copy, path):
        raise OrganologyError(f"{path}: tags were not written: its audio would not stay what it is")


def _take_after(copy: Path, path: Path, before: os.stat_result) -> None:
    """Permissions, owner and extended attributes of the file, the time of now."""
    now = copy.stat()
    with suppress(OSError):  # another owner: only root may
        if hasattr(os, "chown"):
            os.chown(copy, before.st_uid, before.st_gid)
    shutil.copystat(path, copy)
    os.utime(copy, ns=(before.st_atime_ns, now.st_mtime_ns))
