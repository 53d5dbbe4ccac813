"""Whether several processes learn what one does: the demo recipe with 1 and with 2 of them.

    python benchmarks/processes.py [--steps 20] [--processes 2] [--whole]

Takes the corpus that `make starter` prepares. An epoch is one batch, so that the table of metrics has a row a step; all
else is as in the recipe `demo` (its rate does not change within these steps). Prints the largest difference of a
training loss, in single and in double precision, and beside it that of one process with another number of threads: in
single precision sums in another order are enough for Adam to go another way. `--whole` follows the recipe to its end
with 1 and with 2 processes, the latter killed on the way and gone on with by 1, and prints the last row of each.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def recipe(folder: Path, name: str, **training: object) -> Path:
    """The demo recipe with some settings otherwise."""
    values = yaml.safe_load((ROOT / "src/organology/recipes/demo.yaml").read_text("utf-8"))
    values["corpora"] = [str(ROOT / "build/starter")]
    values["training"] |= {"workers": 0, "threads": 1, "device": "cpu", **training}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(values), "utf-8")
    return path


def command(path: Path, *more: str) -> list[str]:
    out = path.with_suffix("")
    return [sys.executable, "-m", "organology", "train", str(path), "--transfer", "scratch", "--out", str(out), *more]


def rows(path: Path) -> list[dict[str, str]]:
    with (path.with_suffix("") / "logs/metrics.csv").open() as file:
        return list(csv.DictReader(file))


def trained(path: Path, *more: str) -> list[dict[str, str]]:
    subprocess.run(command(path, *more), check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return rows(path)


def compare_steps(folder: Path, steps: int, processes: int) -> None:
    settings = {"epochs": steps, "batches_per_epoch": 1, "step_epochs": steps + 1, "validation_mixtures": processes}
    for precision in ("64-true", "32-true"):
        runs = {
            "one process": {},
            f"{processes} processes": {"devices": processes},
            "one process, 2 threads": {"threads": 2},
        }
        losses = []
        for number, (name, more) in enumerate(runs.items()):
            path = recipe(folder, f"{precision}-{number}", precision=precision, **settings, **more)
            losses.append([float(row["loss/train"]) for row in trained(path)])
            most = max(abs(a - b) for a, b in zip(losses[0], losses[-1], strict=True))
            ends = f"{losses[-1][0]:.6f} … {losses[-1][-1]:.6f}"
            print(f"{precision}, {name}: {steps} losses {ends}, largest difference {most:.1e}", flush=True)


def compare_whole(folder: Path, processes: int) -> None:
    shown = ("epoch", "loss/train", "loss/validation", "roc_auc/validation", "pr_auc/validation")
    one, several, killed = (recipe(folder, name) for name in ("one", "several", "killed"))
    devices = ("--devices", str(processes))
    for name, found in (("one process", trained(one)), (f"{processes} processes", trained(several, *devices))):
        print(name, {key: found[-1][key] for key in shown}, flush=True)
    run = subprocess.Popen(command(killed, *devices), stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    next(line for line in run.stderr if line.startswith("epoch 3/"))
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    found = trained(killed, "--resume")
    print(f"{processes} processes killed after epoch 3, then one", {key: found[-1][key] for key in shown})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--whole", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if asked.whole:
            compare_whole(Path(temporary), asked.processes)
        else:
            compare_steps(Path(temporary), asked.steps, asked.processes)


if __name__ == "__main__":
    main()
