"""What organology takes beside other taggers: the same file, the same machine, one run, one core.

    python benchmarks/peers.py [--minutes 10] [--musicnn PYTHON] [--yamnet FILE --yamnet-python PYTHON] [--mn04 FILE]
                               [--page docs/benchmarks.md]

A 44.1 kHz stereo flac is made of the recordings in `examples/`. Each tagger runs in a process of its own, held to one
core, from the start of Python to the scores of all its windows, once on 4 seconds (start-up) and once on the file.

organology    `organology recognize`, hop 4 s (as long as its window) and 1 s.
musicnn       PYTHON is an interpreter with the PyPI package musicnn (0.1.0 runs with tensorflow-cpu 2.15 and librosa
              0.10); its `extractor`, model MTT_musicnn, windows of 3 s end to end, no features: its fastest way.
YAMNet        FILE is a TFLite file that takes log-mel patches; PYTHON has ai-edge-litert. Patches of 0.96 s every
              0.48 s (as published) and end to end; soundfile, soxr and an FFT of scipy before it.
mn04_as       FILE is EfficientAT's published `mn04_as_mAP_432.pt`; torch, in clips of 10 s, by `organology.model`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from measuring import Taken, machine, music, put, table, taken, write

MUSICNN = """
import sys
from musicnn.extractor import extractor
scores, tags = extractor(sys.argv[1], model="MTT_musicnn", input_length=3, input_overlap=False, extract_features=False)
"""

YAMNET = """
import sys
import numpy as np, scipy.fft, soundfile, soxr
from ai_edge_litert.interpreter import Interpreter
step = int(sys.argv[3])
model = Interpreter(sys.argv[2], num_threads=1)
model.allocate_tensors()
give, get = model.get_input_details()[0], model.get_output_details()
def mel(hz): return 1127 * np.log1p(hz / 700)
bins, edges = mel(np.arange(257) * 16000 / 512), np.linspace(mel(125), mel(7500), 66)
low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
bank = np.maximum(0, np.minimum((bins - low) / (mid - low), (high - bins) / (high - mid))).T.astype(np.float32)
hann = np.hanning(401)[:400].astype(np.float32)
held, patches = np.zeros(0, np.float32), np.zeros((0, 64), np.float32)
scale, zero = give["quantization"]
with soundfile.SoundFile(sys.argv[1]) as file:
    resample = soxr.ResampleStream(file.samplerate, 16000, 1, dtype="float32", quality="HQ")
    for block in file.blocks(441000, dtype="float32", always_2d=True):
        held = np.concatenate([held, resample.resample_chunk(block.mean(axis=1))])
        n = max(0, 1 + (len(held) - 400) // 160)
        if n == 0: continue
        frames = np.lib.stride_tricks.sliding_window_view(held, 400)[: 160 * n : 160]
        spectrum = np.log(np.abs(scipy.fft.rfft(frames * hann, 512)) @ bank + 0.001)
        held, patches = held[160 * n :], np.concatenate([patches, spectrum])
        while len(patches) >= 96:
            patch = patches[:96].reshape(give["shape"])
            if give["dtype"] != np.float32:
                info = np.iinfo(give["dtype"])
                patch = np.clip(np.round(patch / scale + zero), info.min, info.max).astype(give["dtype"])
            model.set_tensor(give["index"], patch)
            model.invoke()
            model.get_tensor(get[0]["index"])
            patches = patches[step:]
"""

MN04 = """
import sys
import numpy as np, torch
from organology import audio
from organology.model import AudioSetTagger
torch.set_num_threads(1)
tagger = AudioSetTagger.from_published(sys.argv[2])
held = np.zeros(0, np.float32)
with torch.inference_mode():
    for block in audio.mono_blocks(sys.argv[1]):
        held = np.concatenate([held, block])
        while len(held) >= 320000:
            tagger(torch.from_numpy(held[None, :320000]))
            held = held[320000:]
    if len(held) > 1024:
        tagger(torch.from_numpy(held[None]))
"""


def commands(settings: argparse.Namespace, output: Path) -> dict[str, list[str]]:
    """What runs each tagger on the file that is named after it."""
    ours = [sys.executable, "-m", "organology.cli", "recognize", "--output", str(output), "--threads", "1"]
    found = {"organology, hop 4 s": [*ours, "--hop", "4"], "organology, hop 1 s": [*ours, "--hop", "1"]}
    if settings.musicnn:
        found["musicnn, windows of 3 s end to end"] = [settings.musicnn, "-c", MUSICNN, "{}"]
    if settings.yamnet:
        for name, step in (("hop 0.48 s", 48), ("end to end", 96)):
            found[f"YAMNet (TFLite, int8), patches of 0.96 s, {name}"] = [
                settings.yamnet_python, "-c", YAMNET, "{}", str(settings.yamnet), str(step),
            ]  # fmt: skip
    if settings.mn04:
        found["EfficientAT mn04_as (torch), clips of 10 s"] = [sys.executable, "-c", MN04, "{}", str(settings.mn04)]
    return found


def on(command: list[str], path: Path, repeats: int = 1) -> Taken:
    filled = [str(path) if part == "{}" else part for part in command]
    return taken(filled if "{}" in command else [*filled, str(path)], repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--musicnn", metavar="PYTHON")
    parser.add_argument("--yamnet", type=Path)
    parser.add_argument("--yamnet-python", metavar="PYTHON", default=sys.executable)
    parser.add_argument("--mn04", type=Path)
    parser.add_argument("--repeats", type=int, default=2, help="the first one fills the caches of the system")
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--page", type=Path, help="put the table into this page too")
    parser.add_argument("--only", help="taggers whose name holds this")
    settings = parser.parse_args()
    os.environ.update(
        OMP_NUM_THREADS="1", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3"
    )
    os.environ.update(CUDA_VISIBLE_DEVICES="")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # children inherit it
    seconds = 60 * settings.minutes
    rows, first = [], 0.0
    with tempfile.TemporaryDirectory(dir=settings.scratch) as scratch:
        folder, loop = Path(scratch), music()
        short, long = write(folder / "short.flac", loop, 4), write(folder / "long.flac", loop, seconds)
        for name, command in commands(settings, folder / "out.json").items():
            if settings.only and settings.only not in name:
                continue
            start, whole = on(command, short, settings.repeats), on(command, long, settings.repeats)
            first = first or whole.cpu
            rows.append(
                (name, f"{start.cpu:.1f} s", f"{whole.cpu:.1f} s", f"{seconds / whole.cpu:.0f}",
                 f"{(seconds - 4) / (whole.cpu - start.cpu):.0f}", f"{whole.cpu / first:.1f}",
                 f"{whole.megabytes:.0f} MB")
            )  # fmt: skip
            print(rows[-1], flush=True)
    head = ("", "start-up (4 s of audio)", f"{settings.minutes:g} minutes", "seconds of audio a second",
            "without start-up", "times organology's first", "peak memory")  # fmt: skip
    text = "Processor time, one core, start-up included:\n\n" + table(head, rows)
    print(text)
    if settings.page:
        put(settings.page, "peers", f"{text}\n\nMachine: {machine()}.")


if __name__ == "__main__":
    main()
