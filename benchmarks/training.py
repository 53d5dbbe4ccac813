"""How fast mixtures are made and networks learn, and whether the one waits for the other.

    python benchmarks/training.py                                       # on the CPU: all parts, a synthetic corpus
    python benchmarks/training.py steps --backbones short-chunk
    python benchmarks/training.py --corpora prepared/medleydb --variants 4 --cache 1500 --workers 0 1 2
    python benchmarks/training.py steps loader --device cuda --precisions bf16-mixed --compile --workers 8 16

Three parts, in one table and, with `--json FILE`, as JSON:

- `data`: CPU time of a mixture on one core, for several settings of mixing and kinds of file;
- `steps`: time of a training step of the real module (loss, backward, optimizer) with tensors that need no making;
- `loader`: the same steps fed by the real loader, with so many workers, as a share of the rate of `steps`. It is the
  share of wall time; rounds of both take turns, so that other work on the machine disturbs both alike.

Steps are those of `organology train` without Lightning's loop around them, which costs about a millisecond.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
import torch
from rich.console import Console
from rich.table import Table

from mixing import measure, synthetic_corpus
from organology.corpora.table import TABLE_NAME, read_table
from organology.errors import OrganologyError
from organology.mixing import Mixer, MixingConfig, StemPool
from organology.model import InstrumentNet, ModelConfig
from organology.training import TrainingConfig
from organology.training.compute.memory_format import channels_last
from organology.training.compute.precision import autocast
from organology.training.data import Batch, MixtureDataset, loader_by_epoch
from organology.training.transfer.module import TransferModule
from organology.training.transfer.schedule import set_learning

SAMPLES = 128_000
MANY = 10**6
ROUNDS = 3


@dataclass
class Learner:
    """A network that learns, step by step."""

    module: TransferModule
    optimizer: torch.optim.Optimizer
    device: str
    precision: Any

    @classmethod
    def make(cls, backbone: Any, transfer: Any, precision: str, device: str, compiled: bool) -> Learner:
        """With random weights: they do not change the time."""
        torch.manual_seed(0)
        network = InstrumentNet(ModelConfig(backbone=backbone)).to(device)
        channels_last(network.backbone)
        config = TrainingConfig(transfer=transfer, compile=compiled, batches_per_epoch=MANY)
        module = TransferModule(network, config, 0)
        set_learning(network, config, 0)
        return cls(module, module.configure_optimizers(), device, precision)

    def step(self, batch: Batch, number: int) -> None:
        """Learn from a batch, wherever it is."""
        waveform, targets = (part.to(self.device, non_blocking=True) for part in batch[:2])
        with autocast(self.device, self.precision):
            loss = self.module.training_step(Batch(waveform, targets, batch.songs), number)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def clock(self, batches: Iterator[Batch], seconds: float, at_least: int = 2) -> tuple[float, float, int]:
        """Wall and CPU seconds of this process for a number of steps, and that number."""
        self._wait()
        wall, cpu, count = time.perf_counter(), time.process_time(), 0
        while count < at_least or time.perf_counter() - wall < seconds:
            self.step(next(batches), count)
            count += 1
        self._wait()
        return time.perf_counter() - wall, time.process_time() - cpu, count

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def synthetic_batches(batch_size: int, device: str) -> Iterator[Batch]:
    """The same batch again and again, where it is needed."""
    waveform = 0.1 * torch.randn(batch_size, SAMPLES, device=device)
    targets = torch.randint(0, 2, (batch_size, 15), device=device)
    return itertools.repeat(Batch(waveform, targets, [""] * batch_size))


def data_rows(folders: list[Path], config: MixingConfig, seconds: float, cache: int, variants: int) -> Iterator[Any]:
    """Mixtures a second of one core."""
    change = dataclasses.replace
    cases: dict[str, tuple[list[Path], MixingConfig]] = {"as configured": (folders, config)}
    with tempfile.TemporaryDirectory() as temporary:
        wav = [as_wav(folder, Path(temporary) / str(i)) for i, folder in enumerate(folders)]
        cases["16-bit WAV"] = (wav, config)
        cases["in memory"] = (folders, change(config, cache_megabytes=cache))
        kept = change(config, cache_megabytes=cache, stretch_variants=variants)
        cases[f"in memory, {variants} stretch variants"] = (folders, kept)
        cases[f"16-bit WAV, {variants} stretch variants in memory"] = (wav, kept)
        for name, (where, case) in cases.items():
            total, _, _ = measure(Mixer(StemPool.load(where, "train", case), case, seed=1), seconds)
            yield {"part": "data", "setting": name, "cpu_ms_per_mixture": total, "mixtures_per_second": 1000 / total}


def as_wav(folder: Path, target: Path) -> Path:
    """A prepared corpus with its training stems as 16-bit WAV."""
    table = read_table(folder)
    table = table.filter(table["split"] == "train")
    for row in table.select("path").to_dicts():
        samples, rate = soundfile.read(folder / row["path"], dtype="int16")
        row["path"] = Path(row["path"]).with_suffix(".wav").as_posix()
        (target / row["path"]).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target / row["path"], samples, rate, "PCM_16")
    table.with_columns(table["path"].str.replace(r"\.[^.]*$", ".wav")).write_parquet(target / TABLE_NAME)
    return target


def step_row(learner: Learner, batch_size: int, seconds: float, about: dict[str, Any]) -> dict[str, Any]:
    """Steps with tensors that are there already."""
    batches = synthetic_batches(batch_size, learner.device)
    learner.clock(batches, 0, at_least=10 if learner.device == "cuda" else 1)
    wall, cpu, count = learner.clock(batches, seconds)
    return {"part": "steps", **about, "wall_s_per_step": wall / count, "cpu_s_per_step": cpu / count,
            "steps_per_second": count / wall, "mixtures_per_second": batch_size * count / wall}  # fmt: skip


def loader_rows(
    learner: Learner, mixer: Callable[[], Mixer], arguments: argparse.Namespace, about: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Steps with the real loader, in turn with synthetic ones."""
    size, share = arguments.batch_size, arguments.seconds / ROUNDS
    synthetic = synthetic_batches(size, learner.device)
    learner.clock(synthetic, 0, at_least=10 if learner.device == "cuda" else 1)
    for workers in arguments.workers:
        loader = iter(loader_by_epoch(MixtureDataset(mixer()), size, MANY // size, workers))
        batches = (Batch(*batch) for batch in loader)
        learner.clock(batches, 0, at_least=max(3, 2 * workers))
        pairs = [(learner.clock(synthetic, share), learner.clock(batches, share)) for _ in range(ROUNDS)]
        plain, fed = ([sum(values) for values in zip(*side, strict=True)] for side in zip(*pairs, strict=True))
        rate = fed[2] / fed[0]
        yield {"part": "loader", **about, "workers": workers, "wall_s_per_step": fed[0] / fed[2],
               "cpu_s_per_step": fed[1] / fed[2], "steps_per_second": rate, "mixtures_per_second": size * rate,
               "share_of_synthetic": rate / (plain[2] / plain[0])}  # fmt: skip
        del loader, batches


def learner_rows(arguments: argparse.Namespace, folders: list[Path], config: MixingConfig) -> Iterator[dict[str, Any]]:
    """The parts `steps` and `loader`."""
    kinds = itertools.product(arguments.backbones, arguments.transfers, arguments.precisions)
    for backbone, transfer, precision in kinds:
        about = {"backbone": backbone, "transfer": transfer, "precision": precision, "compile": arguments.compile}
        learner = Learner.make(backbone, transfer, precision, arguments.device, arguments.compile)
        if "steps" in arguments.parts:
            yield step_row(learner, arguments.batch_size, arguments.seconds, about)
        if "loader" in arguments.parts:
            yield from loader_rows(learner, lambda: Mixer(StemPool.load(folders, "train", config), config, 0),
                                   arguments, about)  # fmt: skip


def environment(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the figures hang on."""
    cuda = arguments.device == "cuda"
    return {
        "device": torch.cuda.get_device_name()
        if cuda
        else f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "batch_size": arguments.batch_size,
        "load_average": [round(value, 1) for value in os.getloadavg()],
    }


def show(rows: list[dict[str, Any]], about: dict[str, Any]) -> None:
    """One table of all rows."""
    table = Table(title=", ".join(f"{name} {value}" for name, value in about.items()))
    for heading in ("part", "what", "CPU s a step", "wall s a step", "mixtures/s", "share of synthetic"):
        table.add_column(heading, justify="left" if heading in ("part", "what") else "right")
    for row in rows:
        what = row.get("setting") or " ".join(
            [row["backbone"], row["transfer"], row["precision"], *(["compiled"] if row["compile"] else []),
             *([f"{row['workers']} workers"] if "workers" in row else [])]
        )  # fmt: skip
        cells = (row.get(name) for name in ("cpu_s_per_step", "wall_s_per_step", "mixtures_per_second"))
        share = row.get("share_of_synthetic")
        table.add_row(row["part"], what, *("" if v is None else f"{v:.3g}" for v in cells),
                      "" if share is None else f"{share:.0%}")  # fmt: skip
    Console().print(table)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=[], help="data, steps, loader; all if none is named")
    parser.add_argument("--corpora", nargs="+", type=Path, default=[], help="prepared corpora [a synthetic one]")
    parser.add_argument("--variants", type=int, default=0, help="stretch_variants of the loader's mixtures")
    parser.add_argument("--cache", type=int, default=0, help="cache_megabytes of the loader's mixtures")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--backbones", nargs="+", default=["short-chunk", "mobilenet"])
    parser.add_argument("--transfers", nargs="+", default=["scratch", "frozen", "finetuned"])
    parser.add_argument("--precisions", nargs="+", default=["32-true", "bf16-mixed"])
    parser.add_argument("--workers", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    arguments.parts = arguments.parts or ["data", "steps", "loader"]
    if unknown := set(arguments.parts) - {"data", "steps", "loader"}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return arguments


def main() -> None:
    """Measure and show."""
    arguments = parsed()
    torch.set_num_threads(arguments.threads)
    config = MixingConfig(stretch_variants=arguments.variants, cache_megabytes=arguments.cache)
    rows: list[dict[str, Any]] = []
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as temporary:
        folders = arguments.corpora or [synthetic_corpus(Path(temporary))]
        parts: list[Iterator[dict[str, Any]]] = []
        if "data" in arguments.parts:
            plain = dataclasses.replace(config, stretch_variants=0, cache_megabytes=0)
            parts.append(data_rows(folders, plain, arguments.seconds, 2000, 4))
        parts.append(learner_rows(arguments, folders, config))
        for row in itertools.chain(*parts):
            rows.append(row)
            console.print(row, highlight=False, soft_wrap=True)
    about = environment(arguments)
    show(rows, about)
    if arguments.json:
        arguments.json.write_text(json.dumps({**about, "rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except OrganologyError as error:
        raise SystemExit(f"error: {error}") from error
