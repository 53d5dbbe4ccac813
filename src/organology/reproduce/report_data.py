"""What was found as plain values: the content of `report.json`."""

from __future__ import annotations

import csv
import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

from organology.labels.bradl15 import LABELS
from organology.model.checkpoint_files import DESCRIPTION
from organology.reproduce import paper
from organology.reproduce.preparing import Request
from organology.reproduce.results import PER_CLASS, SINGLE, ArmResult, Results
from organology.reproduce.run import Outcome
from organology.reproduce.runs import ArmFolder, weights_hash
from organology.reproduce.statistics import (
    CONFIDENCE,
    RANKING,
    Sampled,
    interval_over_seeds,
    mean_of,
    plain,
    with_interval,
)
from organology.training.provenance import describe_corpora, versions


def report_data(results: Results, request: Request, outcome: Outcome) -> dict[str, Any]:
    """Everything that is known, as plain values; what depends on the clock stands under `times`."""
    recipe, setup = results.recipe, outcome.setup
    weights = setup.pretrained
    return {
        "experiment": recipe.experiment,
        "scale": recipe.scale,
        "backbone": setup.model.backbone,
        "missing": results.missing,
        "failed": outcome.failed,
        "test_sets": results.test_sets,
        "conditions": {name: _condition(results, arms) for name, arms in results.conditions().items()},
        "arms": [_arm(result) for result in results.arms],
        "paper": {"citation": paper.CITATION, "table1": paper.TABLE1, "best_p_musical": paper.BEST_P_MUSICAL,
                  "threshold": paper.THRESHOLD},
        "confidence": CONFIDENCE,
        "bootstrap": recipe.test.bootstrap,
        "setup": setup.with_paths(lambda path: Path(*path.parts[-2:])).to_plain(),
        "pretrained": None if weights is None or not weights.exists() else
                      {"path": Path(*weights.parts[-2:]).as_posix(), "sha256": weights_hash(weights)},
        "corpora": describe_corpora(setup.corpora, setup.mixing.split),
        "commands": sorted({command_of(result.folder) for result in results.arms} - {""}),
        "reported_by": request.command,
        "versions": versions(),
        "machine": machine(),
        "times": {result.arm.recipe.name: training_seconds(result.folder) for result in results.arms},
    }  # fmt: skip


def _condition(results: Results, arms: list[ArmResult]) -> dict[str, Any]:
    first = arms[0].arm
    names = [name for name in arms[0].tests if all(name in result.tests for result in arms)]
    return {
        "transfer": first.transfer,
        "p_musical": first.p_musical,
        **({"changes": dict(first.changes)} if first.changes else {}),
        "seeds": [result.arm.seed for result in arms],
        "tests": {
            name: {metric: interval_over_seeds([result.tests[name][metric] for result in arms]) for metric in RANKING}
            for name in names
        },
        "thresholds": {
            kind: {
                "macro_f1": interval_over_seeds([result.decided[kind]["macro_f1"] for result in arms]),
                "macro_accuracy": interval_over_seeds([result.decided[kind]["macro_accuracy"] for result in arms]),
                "labels": _labels([result.decided[kind] for result in arms]),
            }
            for kind in (SINGLE, PER_CLASS)
        },
    }


def _labels(decided: list[dict[str, Sampled]]) -> dict[str, dict[str, Any]]:
    means = {name: mean_of([each[name] for each in decided]) for name in ("f1", "precision", "recall", "accuracy")}
    return {
        label: {
            name: with_interval(Sampled(mean.value[i], mean.samples[:, i], mean.n_songs))
            for name, mean in means.items()
        }
        for i, label in enumerate(LABELS)
    }


def _arm(result: ArmResult) -> dict[str, Any]:
    summary = json.loads(result.folder.run.summary.read_text("utf-8"))
    per_class = zip(LABELS, result.thresholds[PER_CLASS], strict=True)
    return {
        **result.arm.to_dict(),
        "validation": summary["best"],
        "tests": {name: {metric: with_interval(figure) for metric, figure in figures.items()}
                  for name, figures in result.tests.items()},
        "thresholds": {SINGLE: plain(result.thresholds[SINGLE]), PER_CLASS: {k: plain(v) for k, v in per_class}},
        "macro_f1": {kind: with_interval(decided["macro_f1"]) for kind, decided in result.decided.items()},
    }  # fmt: skip


def command_of(folder: ArmFolder) -> str:
    """What the user typed when the arm was trained; "" where it is not known."""
    described = json.loads((folder.run.best / DESCRIPTION).read_text("utf-8"))
    return str(described["metadata"]["provenance"].get("command", ""))


def training_seconds(folder: ArmFolder) -> float:
    """Seconds that the epochs of a training took, without validation; interruptions do not count."""
    with (folder.run.logs / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    per_epoch = float(json.loads(folder.run.summary.read_text("utf-8"))["mixtures"]) / len(rows)
    return round(sum(per_epoch / float(row["mixtures_per_second"]) for row in rows), 1)


def machine() -> dict[str, Any]:
    """Processor, cores and graphics card of this machine."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"processor": model, "cores": os.cpu_count(), "system": platform.system(), "cuda": device}
