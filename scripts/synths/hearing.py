"""Whether a played stem can be used: it sounds where it has notes, is no noise, and has the pitches written."""

from __future__ import annotations

import numpy as np

from organology.audio import SAMPLE_RATE
from organology.rendering.midi import Note
from synths.lmms import Samples


def fault(samples: Samples, notes: tuple[Note, ...]) -> str:
    """Why a stem cannot be used, or "": it must sound where it has notes, be no noise, and have the notes' pitches."""
    if not samples.size or not np.isfinite(samples).all():
        return "not rendered"
    block = SAMPLE_RATE // 10
    blocks = samples[: len(samples) // block * block].reshape(-1, block)
    rms = np.sqrt(np.square(blocks, dtype=np.float64).mean(axis=1))
    active = rms > 0.01 * rms.max(initial=0.0)
    if not active.any() or 20 * np.log10(rms[active].mean() + 1e-9) < -51:  # -45 dBFS, less LMMS's volume of one half
        return "silent"
    sounding = np.zeros(len(blocks), dtype=bool)
    for note in notes:
        sounding[int(10 * note.start) : int(10 * note.end) + 1] = True
    if active[sounding].mean() < 0.4:
        return "mostly silent"
    if (samples[np.abs(samples) > 0.5 * np.abs(samples).max()]).size < 100:
        return "clicks"
    spectra = np.abs(np.fft.rfft(blocks[active] * np.hanning(block), 4 * block, axis=1)) ** 2 + 1e-12
    frequency = np.fft.rfftfreq(4 * block, 1 / SAMPLE_RATE)
    audible = spectra[:, (frequency > 100) & (frequency < 5000)]
    if np.median(np.exp(np.log(audible).mean(axis=1)) / audible.mean(axis=1)) > 0.2:
        return "noise"
    return "" if _in_tune(blocks, notes) else "off the notes"


def _in_tune(blocks: Samples, notes: tuple[Note, ...]) -> bool:
    """Whether the pitch classes heard in second-long stretches go with those written."""
    longer = blocks[: len(blocks) // 10 * 10].reshape(-1, blocks.shape[1] * 10)
    spectra = np.abs(np.fft.rfft(longer * np.hanning(longer.shape[1]), axis=1))
    frequency = np.fft.rfftfreq(longer.shape[1], 1 / SAMPLE_RATE)
    used = (frequency > 40) & (frequency < 2500)
    classes = np.round(12 * np.log2(frequency[used] / 440) + 9).astype(int) % 12
    heard = spectra[:, used] @ np.eye(12)[classes]
    written = np.zeros_like(heard)
    for note in notes:
        for second in range(int(note.start), min(int(note.end) + 1, len(written))):
            overlap = min(note.end, second + 1) - max(note.start, second)
            written[second, note.pitch % 12] += max(overlap, 0)
    used_rows = (written.sum(axis=1) > 0) & (heard.sum(axis=1) > 0.05 * heard.sum(axis=1).max())
    heard, written = heard[used_rows], written[used_rows]

    def agreement(shift: int) -> float:
        rolled = np.roll(written, shift, axis=1)
        return float(
            (heard / (heard.sum(axis=1, keepdims=True) + 1e-9) * rolled / rolled.sum(axis=1, keepdims=True)).sum()
        )

    scores = np.array([agreement(shift) for shift in range(12)])
    # a fifth (or a fourth, from below) is a tuning that patches often add
    return bool(used_rows.any() and scores.argmax() in (0, 5, 7) and scores[0] > 1.1 * scores.mean())
