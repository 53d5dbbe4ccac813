"""Source audio -> prepared stems of one song: mono, 32 kHz, 16 bit, and where they sound.

Samples stream block by block, so that a song of any length needs little memory. They are rounded to 16 bit without
dither (a stem is mixed with others and never listened to by itself). Levels stay as they are, but for a song whose
samples go beyond full scale by more than `CLIP_DB` (float bounces, peaks that resampling brings out): it is lowered as
a whole, so that the stems keep their balance. Below that, single samples are clipped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile

from organology import audio
from organology.atomic import written_whole
from organology.corpora.conversion.activity import ActivityConfig, ActivityMeter, Interval
from organology.errors import CorpusError, one_line, show_traceback

AudioFormat = Literal["flac", "wav"]
CLIP_DB = 1.0
_SUBTYPE = "PCM_16"
_FULL_SCALE = 32768


@dataclass(frozen=True)
class Converted:
    """What became of one stem.

    Attributes
    ----------
    frames : int
        At 32 kHz; 0 if it failed.
    active : tuple of (start, end)
        In frames.
    peak : float
        Before any lowering; 1 is full scale.
    error : str
        Why there is no audio, or "".
    again : bool
        Whether another try may end otherwise (not so for a silent file).
    note : str
        Worth saying, or "".
    """

    frames: int = 0
    active: tuple[Interval, ...] = ()
    peak: float = 0.0
    error: str = ""
    again: bool = False
    note: str = ""


def convert_song(
    stems: Sequence[tuple[Path, Path]], audio_format: AudioFormat = "flac", activity: ActivityConfig | None = None
) -> tuple[list[Converted], float]:
    """Convert the stems of a song.

    Parameters
    ----------
    stems : sequence of (Path, Path)
        Source and target of each.
    audio_format : {"flac", "wav"}
    activity : ActivityConfig, optional

    Returns
    -------
    converted : list of Converted
        One a stem, in order. A stem that failed has no file.
    gain : float
        That the song was written with: 1, or less where it would have clipped.
    """
    converted = [convert_stem(source, target, 1.0, audio_format, activity) for source, target in stems]
    loudest = max((stem.peak for stem in converted), default=0.0)
    if loudest <= 10 ** (CLIP_DB / 20):
        return converted, 1.0
    gain = (1 - 2 / _FULL_SCALE) / loudest
    again = [
        convert_stem(source, target, gain, audio_format, activity) if done.frames else done
        for (source, target), done in zip(stems, converted, strict=True)
    ]
    return again, gain


def convert_stem(
    source: Path,
    target: Path,
    gain: float = 1.0,
    audio_format: AudioFormat = "flac",
    activity: ActivityConfig | None = None,
) -> Converted:
    """Convert one stem; a fault of its audio is told in the result and not raised.

    Parameters
    ----------
    source, target : Path
    gain : float
        Applied to all samples.
    audio_format : {"flac", "wav"}
    activity : ActivityConfig, optional

    Raises
    ------
    CorpusError
        If the target cannot be written.
    """
    target.unlink(missing_ok=True)
    try:
        with written_whole(target) as temporary:
            meter, peak, note = _write(source, temporary, gain, audio_format, activity)
            active = meter.intervals()
            if not active:
                raise _SilentError(peak)
    except _SilentError as silent:
        return Converted(peak=silent.peak, error=str(silent))
    except (OSError, soundfile.LibsndfileError) as error:
        raise CorpusError(f"{target}: cannot be written: {error}") from error
    except Exception as error:  # whatever a decoder raises: this stem fails, the others go on
        show_traceback(error)
        return Converted(error=one_line(error).removeprefix(f"{source}: "), again=True)
    return Converted(meter.frames, tuple(active), peak, note=note)


class _SilentError(Exception):
    def __init__(self, peak: float) -> None:
        self.peak = peak
        level = f"{20 * math.log10(peak):.0f} dBFS" if peak > 0 else "digital silence"
        super().__init__(f"silent (peak {level})")


def _write(
    source: Path, target: Path, gain: float, audio_format: AudioFormat, activity: ActivityConfig | None
) -> tuple[ActivityMeter, float, str]:
    meter = ActivityMeter(audio.SAMPLE_RATE, activity)
    peak, clipped = 0.0, 0
    with (
        audio.decode(source) as stream,
        soundfile.SoundFile(
            target, "w", samplerate=audio.SAMPLE_RATE, channels=1, format=audio_format.upper(), subtype=_SUBTYPE
        ) as file,
    ):
        for block in audio.mono_blocks(stream, audio.SAMPLE_RATE):
            peak = max(peak, float(np.abs(block).max(initial=0.0)))
            wide = np.rint(block * np.float32(gain * _FULL_SCALE))
            clipped += int(np.count_nonzero((wide > _FULL_SCALE) | (wide < -_FULL_SCALE)))
            samples = np.clip(wide, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
            file.write(samples)
            meter.add(samples.astype(np.float32) / _FULL_SCALE)
        notes = []
        if stream.truncated:
            notes.append(f"broken off or damaged; {meter.frames / audio.SAMPLE_RATE:.1f} s could be decoded")
        if stream.nonfinite:
            notes.append(f"{stream.nonfinite} samples that are not numbers are 0 now")
        notes += stream.notes
        if clipped:
            notes.append(f"{clipped} samples clipped")
    return meter, peak, "; ".join(notes)
