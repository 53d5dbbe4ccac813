"""What to recognize and what to write: one object for Python and for the command line.

Each field of `Job` says how the command line shows it, so that no list of options stands anywhere else. Nothing heavy
is imported, as the command line's help is made from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
class Option:
    """How the command line shows a field.

    Attributes
    ----------
    help : str
    group : str
        "" is an argument.
    flags : tuple of str
        Default: the field's name.
    metavar : str, optional
    least, most : float, optional
        The range of a number.
    """

    help: str
    group: str = ""
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    least: float | None = None
    most: float | None = None


def _shown(
    help_text: str,
    group: str = "",
    *flags: str,
    metavar: str | None = None,
    least: float | None = None,
    most: float | None = None,
) -> dict[str, Option]:
    return {"option": Option(help_text, group, flags, metavar, least, most)}


@dataclass(frozen=True)
class Job:
    """What to recognize and what to write. The help of `organology recognize` describes each field."""

    paths: Sequence[str] = field(
        default=(),
        metadata=_shown(
            "Audio or video files, folders of them, patterns ('**/*.flac'), playlists (m3u, m3u8, pls), "
            "@LIST (a path a line), - (audio on standard input).",
            metavar="PATH",
        ),
    )
    lists: Sequence[str] = field(
        default=(),
        metadata=_shown("A file with a path a line (-: standard input).", INPUT, "--from-file", metavar="LIST"),
    )
    null: bool = field(default=False, metadata=_shown("NUL bytes divide the paths of a list.", INPUT, "--null", "-0"))
    recursive: bool = field(
        default=True,
        metadata=_shown("Search folders with all below them, or alone.", INPUT, "--recursive/--no-recursive"),
    )
    hidden: bool = field(default=False, metadata=_shown("Search for hidden files, too.", INPUT, "--hidden"))
    channels: str = field(
        default="mix", metadata=_shown("Recognize the mean of the channels, or each alone as FILE#chN.", INPUT)
    )
    format: str | None = field(
        default=None, metadata=_shown("What is written.  [default: as --output ends, else table]", OUTPUT, "--format")
    )
    output: Path | None = field(
        default=None,
        metadata=_shown(
            "File to write, whole, in place of standard output; or a folder, with a file a recording.",
            OUTPUT,
            "--output",
            "-o",
            metavar="PATH",
        ),
    )
    timeline: bool = field(
        default=False,
        metadata=_shown(
            "The windows too (json, jsonl, html), in place of the files (csv), or blocks over time (table).",
            OUTPUT,
            "--timeline",
        ),
    )
    per_label: bool = field(
        default=False, metadata=_shown("audacity, into a folder: a track for each label.", OUTPUT, "--per-label")
    )
    embed_audio: bool = field(
        default=False, metadata=_shown("html: the audio itself in the page, not a link.", OUTPUT, "--embed-audio")
    )
    plot: Path | None = field(
        default=None,
        metadata=_shown(
            "Draw timelines: a .png, .pdf or .svg for one file, or a folder (alone: the current one).",
            OUTPUT,
            metavar="[PATH]",
        ),
    )
    write_tags: bool = field(
        default=False,
        metadata=_shown(
            "List which tag each recording would get (its instruments); with --yes write it.",
            OUTPUT,
            "--write-tags",
        ),
    )
    yes: bool = field(default=False, metadata=_shown("Let --write-tags change the files.", OUTPUT, "--yes"))
    quiet: bool = field(
        default=False, metadata=_shown("No progress and no notes; errors are still shown.", OUTPUT, "--quiet", "-q")
    )
    thresholds: Thresholds | Sequence[str] | None = field(
        default=None,
        metadata=_shown(
            "In place of the model's: one for all labels (0.4), or for one (violin=0.4); may be repeated.",
            DECISION,
            "--threshold",
            metavar="[LABEL=]X",
        ),
    )
    strict: bool = field(
        default=False,
        metadata=_shown(
            "The model's strict thresholds: what is named is more surely there, and more is missed.",
            DECISION,
            "--strict",
        ),
    )
    sensitive: bool = field(
        default=False,
        metadata=_shown(
            "The model's sensitive thresholds: less is missed, and more is named that is not there.",
            DECISION,
            "--sensitive",
        ),
    )
    only: Sequence[str] | None = field(
        default=None, metadata=_shown("These labels alone: violin,brass.", DECISION, "--only", metavar="LABELS")
    )
    labels: str | None = field(
        default=None,
        metadata=_shown(
            "Another label set, by its name or a table of your own, as far as the model can tell it; "
            "all: the model's own with its tentative labels.",
            DECISION,
            metavar="SET",
        ),
    )
    brief: bool = field(
        default=True,
        metadata=_shown(
            "Whether outputs have the segments of labels that play only for a while.", DECISION, "--brief/--no-brief"
        ),
    )
    hop_seconds: float | None = field(
        default=None,
        metadata=_shown(
            "How far windows are apart.  [default: the model's, or 1]", DECISION, "--hop", metavar="SECONDS", least=0.01
        ),
    )
    min_seconds: float | None = field(
        default=None,
        metadata=_shown(
            "Drop segments shorter than this.  [default: the model's, or 1]", DECISION, metavar="SECONDS", least=0
        ),
    )
    max_gap: float | None = field(
        default=None,
        metadata=_shown("Close gaps up to this.  [default: the model's, or 1]", DECISION, metavar="SECONDS", least=0),
    )
    smooth: float | None = field(
        default=None,
        metadata=_shown(
            "Smooth scores over time by the median of so many seconds.  [default: the model's, or 0]",
            DECISION,
            metavar="SECONDS",
            least=0,
        ),
    )
    low_ratio: float | None = field(
        default=None,
        metadata=_shown(
            "A segment goes on down to this share of the threshold.  [default: the model's, or 0.75]",
            DECISION,
            metavar="X",
            least=0,
            most=1,
        ),
    )
    model: Path | None = field(default=None, metadata=_shown("Another model file (ONNX).", DECISION, metavar="FILE"))
    store: Path | str | None = field(
        default=None,
        metadata=_shown(
            "Remember results in this SQLite file and do nothing twice: a run that was stopped goes on. With --engine "
            "ray: a Parquet dataset, by its folder or address (s3://…).",
            MANY,
            metavar="STORE",
        ),
    )
    retry: bool = field(
        default=False, metadata=_shown("Try again what the store says cannot be recognized.", MANY, "--retry")
    )
    jobs: int | None = field(
        default=None,
        metadata=_shown("Files worked on at once.  [default: as --threads]", MANY, "--jobs", "-j", least=1),
    )
    threads: int | None = field(default=None, metadata=_shown("Threads in all.  [default: all cores]", MANY, least=1))
    device: str = field(
        default=AUTO,
        metadata=_shown("Where the model runs, as far as the installed onnxruntime can (auto: a GPU, if any).", MANY),
    )
    engine: str = field(
        default=LOCAL, metadata=_shown("Who does the work: this process, or Ray (extra cluster), into --store.", MANY)
    )
    address: str | None = field(
        default=None, metadata=_shown("The Ray cluster to join, not this machine alone.", MANY, metavar="ADDRESS")
    )

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
        for one, shown in shown_fields():
            if one.name not in _FOR_RAY and getattr(self, one.name) != one.default:
                flag = (shown.flags or (f"--{one.name.replace('_', '-')}",))[0]
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
