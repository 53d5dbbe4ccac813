"""One self-contained HTML page with all recordings of a run: what plays, timelines, and players beside them.

The page loads nothing but the audio itself: its style and its program are in it, and a content security policy forbids
all else. Every recording is an element of its own with its data as JSON, so the page is written as a stream; the
program in it draws a timeline when its recording comes near the window. Without JavaScript there are tables.

The whole page is ASCII: every other character is a reference, so it reads the same in whatever encoding it is written.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Any, TextIO

from organology._version import __version__
from organology.counted import counted
from organology.labels import LabelSet, default_set
from organology.outputs.html.audio import EMBED_TOTAL_BYTES, AudioLink, audio_link, write_data_uri
from organology.outputs.html.parts import (
    activity_of,
    colors,
    failures_table,
    heading,
    json_text,
    label_rows,
    plain_table,
    plays_list,
    text,
)
from organology.outputs.writers.base import EMBED_BYTES, WriterOptions
from organology.recognition.result import Recognition
from organology.timeaxis import clock

_MODULES = ("timeline.js", "report.js")  # each needs nothing but those before it
_IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const|class)", re.MULTILINE)


def _asset(name: str) -> str:
    content = (resources.files("organology.outputs.html") / "assets" / name).read_text("utf-8")
    if not content.isascii():
        raise ValueError(f"{name}: not ASCII")
    return content


def _script() -> str:
    """The page's program: the modules of `assets` in one, as nothing may be loaded."""
    return "".join(_EXPORT.sub("", _IMPORT.sub("", _asset(name))) for name in _MODULES)


def _hash(content: str) -> str:
    """As a content security policy names an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


class HtmlWriter:
    """The report, one recording after the other as they come.

    Parameters
    ----------
    stream : text stream
    folder : Path, optional
        In which the page will lie; audio is linked relative to it. Default: the current one.
    model : dict, optional
        What is known of the model: `name`, `window_seconds`, `hop_seconds`.
    timeline : bool
        Also the scores of every window, as JSON has them. The timelines need them not.
    embed_audio : bool
        Put the audio into the page. A file larger than `embed_bytes`, or one that would make all together larger than
        `embed_total_bytes`, is linked, and the page says so.
    embed_bytes, embed_total_bytes : int
    label_set : LabelSet, optional
        Of the recordings. Default: the default set.
    link_audio : bool
        Look for a file of the recording's name, and give it a player.

    Examples
    --------
    >>> import io
    >>> page = io.StringIO()
    >>> with HtmlWriter(page) as writer:
    ...     writer.fail("gone.wav", "no such file")
    >>> "gone.wav" in page.getvalue()
    True
    """

    def __init__(
        self,
        stream: TextIO,
        folder: Path | None = None,
        model: dict[str, Any] | None = None,
        timeline: bool = False,
        embed_audio: bool = False,
        embed_bytes: int = EMBED_BYTES,
        embed_total_bytes: int = EMBED_TOTAL_BYTES,
        label_set: LabelSet | None = None,
        link_audio: bool = True,
    ) -> None:
        self._label_set = label_set or default_set()
        self._stream = stream
        self._folder = folder or Path()
        self._model = model or {}
        self._timeline = timeline
        self._embed_bytes = embed_bytes if embed_audio else 0
        self._embed_left = embed_total_bytes
        self._link_audio = link_audio
        self._failures: list[tuple[str, str]] = []
        self._labels: tuple[str, ...] = ()
        self._n = 0
        self._seconds = 0.0
        self._embedded: tuple[Path, str] | None = None

    def __enter__(self) -> HtmlWriter:
        style, self._script = f"{_asset('report.css')}{colors(self._label_set)}", _script()
        self._stream.write(
            Template(_asset("page.html")).substitute(
                script_hash=_hash(self._script),
                style_hash=_hash(style),
                style=style,
                generator=text(f"organology {__version__}"),
            )
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            return
        labels = label_rows(self._label_set, self._labels or self._label_set.labels)
        self._stream.write(
            f"</main>\n{failures_table(self._failures)}{self._foot()}"
            f'<script type="application/json" id="labels">{json_text(labels)}</script>\n'
            f'<script type="module">{self._script}</script>\n</body>\n</html>\n'
        )

    def add(self, recognition: Recognition) -> None:
        """Write one recording."""
        self._n += 1
        self._labels = recognition.labels
        self._seconds += recognition.duration
        key = f"r{self._n}"
        link = None
        if self._link_audio:
            link = audio_link(recognition.source, self._folder, self._embed_bytes, self._embed_left)
        write = self._stream.write
        shared = self._embedded is not None and link is not None and link.path == self._embedded[0]
        audio_key = self._embedded[1] if shared and self._embedded else f"a{self._n}"
        plays = " ".join(recognition.instruments)
        heard = "" if link is None else f' data-audio="{audio_key}"'
        write(
            f'<article class="rec" id="{key}" data-labels="{plays}" data-seconds="{recognition.duration:.3f}"{heard}'
            f' aria-labelledby="{key}-name">\n'
            f"{heading(recognition, key)}{plays_list(recognition)}"
        )
        for note in (*recognition.notes, *([link.note] if link is not None and link.note and not shared else [])):
            write(f'<p class="note">{text(note)}</p>\n')
        if link is not None and not shared:
            self._write_audio(link, audio_key, recognition.source)
        data = {"recording": recognition.to_dict(self._timeline), "activity": activity_of(recognition)}
        write(
            f'<div class="view"></div>\n<noscript>{plain_table(recognition)}</noscript>\n'
            f'<script type="application/json">{json_text(data)}</script>\n</article>\n'
        )
        self._stream.flush()

    def fail(self, file: str, reason: str) -> None:
        """Keep a failure for the end of the page."""
        self._failures.append((file, reason))

    def _write_audio(self, link: AudioLink, key: str, source: str) -> None:
        self._stream.write(f'<audio id="{key}" controls preload="none" aria-label="{text(source)}" src="')
        if link.embed:
            self._embed_left -= write_data_uri(link, self._stream)
            self._embedded = (link.path, key)  # another channel of this file plays the same
        else:
            self._stream.write(text(link.url))
        self._stream.write('"></audio>\n')

    def _foot(self) -> str:
        model = self._model
        parts = [
            f"{counted(self._n, 'recording')}, {clock(self._seconds)}, {len(self._failures)} that could not be read."
        ]
        if model:
            named = [f"Model {model.get('name', '')}"]
            if "window_seconds" in model:
                named.append(f"windows of {model['window_seconds']:g} s")
            if "hop_seconds" in model:
                named.append(f"{model['hop_seconds']:g} s apart")
            parts.append(", ".join(named) + ".")
        return Template(_asset("foot.html")).substitute(about=text(" ".join(parts)), version=text(__version__))


def html_writer(stream: TextIO, options: WriterOptions, about: dict[str, Any], folder: Path | None) -> HtmlWriter:
    """The writer of the format `html`."""
    return HtmlWriter(
        stream,
        folder,
        about,
        options.timeline,
        options.embed_audio,
        options.embed_bytes,
        label_set=options.label_set,
        link_audio=options.link_audio,
    )
