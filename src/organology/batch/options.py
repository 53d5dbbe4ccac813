"""What to recognize and what to write: one object for Python and for the command line.

Each field of `Job` says how the command line shows it, so that no list of options stands anywhere else. Nothing heavy
is imported, as the command line's help is made from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from organology.batch.shown import Option, shown
from organology.batch.words import preset_of
from organology.devices import AUTO
from organology.errors import OptionError

if TYPE_CHECKING:
    from organology.recognition.segments import SegmentSettings
    from organology.recognition.thresholds import Thresholds

INPUT, OUTPUT, DECISION, MANY = "What is read", "What is written", "From scores to segments", "Many files"
"""Groups of options in the help."""

LOCAL, RAY = "local", "ray"
ENGINES = (LOCAL, RAY)
"""Who does the work."""

_FOR_RAY = {
    "paths", "lists", "null", "recursive", "hidden", "channels", "quiet", "labels", "hop_seconds", "model", "store",
    "retry", "jobs", "threads", "device", "engine", "address",
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """What to recognize and what to write. The help of `organology recognize` describes each field."""

    paths: Sequence[str] = shown(
        (),
        "Audio or video files, folders of them, patterns ('**/*.flac'), playlists (m3u, m3u8, pls), "
        "@LIST (a path a line), - (audio on standard input).",
        metavar="PATH",
    )
    lists: Sequence[str] = shown(
        (), "A file with a path a line (-: standard input).", INPUT, "--from-file", metavar="LIST"
    )
    null: bool = shown(False, "NUL bytes divide the paths of a list.", INPUT, "--null", "-0")
    recursive: bool = shown(True, "Search folders with all below them, or alone.", INPUT, "--recursive/--no-recursive")
    hidden: bool = shown(False, "Search for hidden files, too.", INPUT, "--hidden")
    channels: str = shown("mix", "Recognize the mean of the channels, or each alone as FILE#chN.", INPUT)
    format: str | None = shown(None, "What is written.  [default: as --output ends, else table]", OUTPUT, "--format")
    output: Path | None = shown(
        None,
        "File to write, whole, in place of standard output; or a folder, with a file a recording.",
        OUTPUT,
        "--output",
        "-o",
        metavar="PATH",
    )
    timeline: bool = shown(
        False,
        "The windows too (json, jsonl, html), in place of the files (csv), or blocks over time (table).",
        OUTPUT,
        "--timeline",
    )
    per_label: bool = shown(False, "audacity, into a folder: a track for each label.", OUTPUT, "--per-label")
    embed_audio: bool = shown(False, "html: the audio itself in the page, not a link.", OUTPUT, "--embed-audio")
    plot: Path | None = shown(
        None,
        "Draw timelines: a .png, .pdf or .svg for one file, or a folder (alone: the current one).",
        OUTPUT,
        metavar="[PATH]",
    )
    write_tags: bool = shown(
        False, "List which tag each recording would get (its instruments); with --yes write it.", OUTPUT, "--write-tags"
    )
    yes: bool = shown(False, "Let --write-tags change the files.", OUTPUT, "--yes")
    quiet: bool = shown(False, "No progress and no notes; errors are still shown.", OUTPUT, "--quiet", "-q")
    thresholds: Thresholds | Sequence[str] | None = shown(
        None,
        "In place of the model's: one for all labels (0.4), or for one (violin=0.4); may be repeated.",
        DECISION,
        "--threshold",
        metavar="[LABEL=]X",
    )
    strict: bool = shown(
        False,
        "The model's strict thresholds: what is named is more surely there, and more is missed.",
        DECISION,
        "--strict",
    )
    sensitive: bool = shown(
        False,
        "The model's sensitive thresholds: less is missed, and more is named that is not there.",
        DECISION,
        "--sensitive",
    )
    only: Sequence[str] | None = shown(None, "These labels alone: violin,brass.", DECISION, "--only", metavar="LABELS")
    labels: str | None = shown(
        None,
        "Another label set, by its name or a table of your own, as far as the model can tell it; "
        "all: the model's own with its tentative labels.",
        DECISION,
        metavar="SET",
    )
    brief: bool = shown(
        True, "Whether outputs have the segments of labels that play only for a while.", DECISION, "--brief/--no-brief"
    )
    hop_seconds: float | None = shown(
        None,
        "How far windows are apart.  [default: the model's, or 1]",
        DECISION,
        "--hop",
        metavar="SECONDS",
        least=0.01,
    )
    min_seconds: float | None = shown(
        None, "Drop segments shorter than this.  [default: the model's, or 1]", DECISION, metavar="SECONDS", least=0
    )
    max_gap: float | None = shown(
        None, "Close gaps up to this.  [default: the model's, or 1]", DECISION, metavar="SECONDS", least=0
    )
    smooth: float | None = shown(
        None,
        "Smooth scores over time by the median of so many seconds.  [default: the model's, or 0]",
        DECISION,
        metavar="SECONDS",
        least=0,
    )
    low_ratio: float | None = shown(
        None,
        "A segment goes on down to this share of the threshold.  [default: the model's, or 0.75]",
        DECISION,
        metavar="X",
        least=0,
        most=1,
    )
    model: Path | None = shown(None, "Another model file (ONNX).", DECISION, metavar="FILE")
    store: Path | str | None = shown(
        None,
        "Remember results in this SQLite file and do nothing twice: a run that was stopped goes on. With --engine "
        "ray: a Parquet dataset, by its folder or address (s3://…).",
        MANY,
        metavar="STORE",
    )
    retry: bool = shown(False, "Try again what the store says cannot be recognized.", MANY, "--retry")
    jobs: int | None = shown(None, "Files worked on at once.  [default: as --threads]", MANY, "--jobs", "-j", least=1)
    threads: int | None = shown(None, "Threads in all.  [default: all cores]", MANY, least=1)
    device: str = shown(
        AUTO, "Where the model runs, as far as the installed onnxruntime can (auto: a GPU, if any).", MANY
    )
    engine: str = shown(LOCAL, "Who does the work: this process, or Ray (extra cluster), into --store.", MANY)
    address: str | None = shown(None, "The Ray cluster to join, not this machine alone.", MANY, metavar="ADDRESS")

    def __post_init__(self) -> None:
        if self.channels not in ("mix", "split"):
            raise OptionError("--channels", f"must be mix or split, got {self.channels!r}")
        if self.retry and self.store is None:
            raise OptionError("--retry", "goes with --store")
        if self.write_tags and self.split:
            raise OptionError("--write-tags", "tags are of whole files: not with --channels split")
        if self.yes and not self.write_tags:
            raise OptionError("--yes", "goes with --write-tags")
        preset_of(self.strict, self.sensitive)
        if self.engine not in ENGINES:
            raise OptionError("--engine", f"must be {' or '.join(ENGINES)}, got {self.engine!r}")
        if self.engine == RAY:
            self._check_for_ray()
        elif self.address is not None:
            raise OptionError("--address", "goes with --engine ray")
        elif "://" in str(self.store or ""):
            raise OptionError("--store", f"must be a file unless --engine is ray, got {self.store}")

    def _check_for_ray(self) -> None:
        """Refuse what does not go into a dataset."""
        if self.store is None:
            raise OptionError("--engine", "ray writes into a dataset; name it as --store")
        for one, option in shown_fields():
            if one.name not in _FOR_RAY and getattr(self, one.name) != one.default:
                flag = (option.flags or (f"--{one.name.replace('_', '-')}",))[0]
                raise OptionError(
                    flag, "does not go with --engine ray: a dataset holds scores and windows; ask it later"
                )

    @property
    def store_file(self) -> Path | None:
        """The store as a file."""
        return None if self.store is None else Path(self.store)

    @property
    def split(self) -> bool:
        """Whether each channel is recognized alone."""
        return self.channels == "split"

    @property
    def segment_settings(self) -> SegmentSettings:
        """How segments are cut, as far as the job says it."""
        from organology.recognition.segments import SegmentSettings

        return SegmentSettings(
            low_ratio=self.low_ratio,
            max_gap_seconds=self.max_gap,
            min_seconds=self.min_seconds,
            median_seconds=self.smooth,
        )

    @property
    def preset(self) -> str | None:
        """The name of the model's thresholds that the job asks for."""
        return preset_of(self.strict, self.sensitive)


def shown_fields() -> list[tuple[Field[Any], Option]]:
    """The fields of `Job` and how the command line shows them."""
    return [(one, one.metadata["option"]) for one in fields(Job)]
