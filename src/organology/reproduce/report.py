"""The page of an experiment: `report.md`, beside `report.json` and the pictures.

Everything but the section "Times" is the same, byte by byte, however often the run was stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from organology.atomic import written_whole
from organology.labels.bradl15 import DISPLAY_NAMES
from organology.reproduce import paper, pictures
from organology.reproduce.claims import FEWEST_SEEDS, comparisons, sentences
from organology.reproduce.clips import FEWEST_PRESENT
from organology.reproduce.markdown import ONE_SIDED, REMARK, conditions, estimate, number, signed, table
from organology.reproduce.preparing import Request
from organology.reproduce.report_data import report_data
from organology.reproduce.results import CLIPS, PER_CLASS, SINGLE, Results, gather
from organology.reproduce.run import Outcome
from organology.reproduce.runs import described
from organology.reproduce.statistics import FEWEST_SONGS

REMARKS = "remarks.md"
"""A file of this name in the folder of a report is taken into it."""

TITLES = {
    "table1": "Table 1: transfer methods",
    "figure3": "Figure 3: musical and non-musical mixtures",
    "figure4": "Figure 4: classes",
    "sweep": "Sweep",
}
_SCALES = {
    "paper": "The paper's corpora and schedule.",
    "open": "Corpora under open licences, and far fewer mixtures than in the paper: orders can be compared with the "
    "paper's, values cannot.",
    "demo": "The starter corpus and minutes of training show the way, and cannot show the paper's order: there are too "
    "few songs to test with, and the backbone was pre-trained on the songs that it is then transferred to, where the "
    "paper's had learned from 55 000 other tracks. Scale open is the smallest that can.",
}


def write_report(request: Request, outcome: Outcome) -> tuple[Path, dict[str, Any]]:
    """Gather what is there and write the report; its folder, and what `report.json` holds.

    Raises
    ------
    OrganologyError
        If a corpus cannot be read.
    """
    results = gather(request, outcome)
    compared = comparisons(results)
    data = report_data(results, request, outcome)
    data["comparisons"] = [each.to_dict() for each in compared]
    data["claims"] = sentences(results, compared)
    data["amount"] = amount(data)
    folder = (
        request.out / "report" / f"{results.recipe.name or results.recipe.experiment}-{outcome.setup.model.backbone}"
    )
    names = pictures.draw(results, data, folder) if results.arms else []
    remarks = (folder / REMARKS).read_text("utf-8").strip() if (folder / REMARKS).is_file() else ""
    with written_whole(folder / "report.json") as temporary:
        temporary.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", "utf-8")
    with written_whole(folder / "report.md") as temporary:
        temporary.write_text(page(results, data, names, remarks), "utf-8")
    return folder, data


def page(results: Results, data: dict[str, Any], names: Sequence[str], remarks: str = "") -> str:
    """The report in Markdown.

    Parameters
    ----------
    results : Results
    data : dict
        What `report.json` holds.
    names : sequence of str
        Pictures, beside the page.
    remarks : str
        What somebody has written beside the figures.
    """
    experiment = results.recipe.experiment
    parts = [f"# {TITLES[experiment]}", f"{paper.CITATION}.", data["amount"], _missing(data)]
    parts.append("## What the figures say\n\n" + "\n".join(f"- {line}" for line in data["claims"]))
    parts.append(f"## Remarks\n\n{remarks}" if remarks else "")
    parts += [f"![{TITLES[experiment]}]({name})" for name in names]
    if results.arms:
        parts += [*_rankings(results, data), _thresholds(data)]
        parts += [_classes(data)] if experiment == "figure4" else []
        parts += [_comparisons(data), _test_sets(data), _each_arm(data)]
    parts += [conditions(data)]
    text = "\n\n".join(part for part in parts if part)
    parts = [text, REMARK if ONE_SIDED in text else "", _times(data)]
    return "\n\n".join(part for part in parts if part) + "\n"


def amount(data: dict[str, Any]) -> str:
    """The scale, how much every arm has learned from beside the paper's, and how many songs it is tested with."""
    training = data["setup"]["training"]
    each = training["epochs"] * training["batches_per_epoch"] * training["batch_size"]
    percent = 100 * each / paper.MIXTURES
    share = f"Every arm learned from {each} mixtures; the paper's from {paper.MIXTURES} ({percent:.3g} %)."
    songs = [each["songs"].get("test", 0) for each in data["corpora"]]
    tested = f"Songs to test with: {sum(songs)}."
    return f"{_SCALES.get(data['scale'], '')} {share} {tested}".strip()


def _missing(data: dict[str, Any]) -> str:
    seeds: dict[str, list[str]] = {}
    for arm in data["missing"]:
        seeds.setdefault(_arm_name(arm), []).append(str(arm["seed"]))
    lines = [f"- missing: {name}: seed {', '.join(those)}" for name, those in seeds.items()]
    lines += [f"- failed: {line}" for line in data["failed"]]
    return "Not complete:\n\n" + "\n".join(lines) if lines else ""


def _arm_name(arm: dict[str, Any]) -> str:
    return f"{arm['transfer']}, p_musical {arm['p_musical']:g}{described(tuple(arm.get('changes', {}).items()))}"


def _title(test: str) -> str:
    return "real recordings" if test == CLIPS else f"{test} mixtures"


def _row_name(data: dict[str, Any], name: str) -> str:
    if data["experiment"] == "sweep":
        return name
    return paper.METHODS.get(name, name) if data["experiment"] == "table1" else f"p_musical {name}"


def _rankings(results: Results, data: dict[str, Any]) -> list[str]:
    """A table a test set: figures of each condition, the paper's beside them."""
    parts = [
        "## Figures\n\nMean over seeds [95 % interval: bootstrap over songs] ±standard deviation over seeds; no "
        f"interval of fewer than {FEWEST_SONGS} songs. All seeds share test and validation mixtures, the division of "
        "the songs and the pre-trained weights; training mixtures, new weights and dropout differ. ROC-AUC "
        "and PR-AUC are means over classes; the loss is the binary cross-entropy."
    ]
    for test in results.test_sets:
        conditions = {name: each for name, each in data["conditions"].items() if test in each["tests"]}
        beside = test != CLIPS
        head = ["", "seeds", *paper.METRICS.values()] + [f"{name}, paper" for name in paper.METRICS.values()] * beside
        rows = []
        for name, each in conditions.items():
            known = _of_paper(each) if beside else None
            rows.append(
                [_row_name(data, name), str(len(each["seeds"]))]
                + [estimate(each["tests"][test][metric]) for metric in paper.METRICS]
                + [number(known[metric], 4) if known else "-" for metric in paper.METRICS] * beside
            )
        if rows:
            few = f"Labels that {FEWEST_PRESENT} or more of them have.\n\n" if test == CLIPS else ""
            parts.append(f"### {_title(test).capitalize()}\n\n{few}{table(head, rows)}")
    return parts


def _of_paper(condition: dict[str, Any]) -> dict[str, float] | None:
    own = condition["p_musical"] == paper.TABLE1_P_MUSICAL and "changes" not in condition
    return paper.TABLE1[condition["transfer"]] if own else None


def _thresholds(data: dict[str, Any]) -> str:
    """Macro F1 and accuracy with one threshold and with one a class."""
    head = ["", "threshold", "macro F1", "accuracy", "macro F1, one a class", "accuracy, one a class"]
    rows = []
    for name, each in data["conditions"].items():
        chosen = [arm["thresholds"][SINGLE] for arm in data["arms"] if _belongs(arm, each)]
        both = (each["thresholds"][SINGLE], each["thresholds"][PER_CLASS])
        figures = [estimate(kind[figure]) for kind in both for figure in ("macro_f1", "macro_accuracy")]
        rows.append([_row_name(data, name), ", ".join(number(value, 2) for value in chosen), *figures])
    size = max(int(name) for name in data["test_sets"] if name != CLIPS)
    return (
        f"## Thresholds\n\nTuned on validation mixtures (highest F1; one for all: macro F1), evaluated on the {size} "
        f"test mixtures. The paper's one threshold is {paper.THRESHOLD}.\n\n{table(head, rows)}"
    )


def _belongs(arm: dict[str, Any], condition: dict[str, Any]) -> bool:
    keys = ("transfer", "p_musical", "changes")
    return [arm.get(key) for key in keys] == [condition.get(key) for key in keys]


def _classes(data: dict[str, Any]) -> str:
    """F1 and accuracy of every class, at both kinds of threshold."""
    (condition,) = list(data["conditions"].values())[:1]
    size = max((name for name in data["test_sets"] if name != CLIPS), key=int)
    present = data["test_sets"][size]["present"]
    one, each = (condition["thresholds"][kind]["labels"] for kind in (SINGLE, PER_CLASS))
    head = [
        "class",
        "mixtures with it",
        "F1",
        "precision",
        "recall",
        "accuracy",
        "F1, one a class",
        "accuracy, one a class",
    ]
    rows = [
        [
            DISPLAY_NAMES[label],
            str(present[label]),
            estimate(one[label]["f1"]),
            *(number(one[label][name]["value"]) for name in ("precision", "recall")),
            *(estimate(figure) for figure in (one[label]["accuracy"], each[label]["f1"], each[label]["accuracy"])),
        ]
        for label in one
    ]
    return f"## Classes\n\n{table(head, rows)}"


def _comparisons(data: dict[str, Any]) -> str:
    if not data["comparisons"]:
        return ""
    better, worse = ("arm", "first arm") if data["experiment"] == "sweep" else ("better, by the paper", "worse")
    head = ["test set", "figure", better, worse, "by how much", "verdict"]
    rows = [
        [_title(each["test"]), paper.METRICS[each["metric"]], _row_name(data, each["better"]),
         _row_name(data, each["worse"]), signed(each), each["verdict"]]
        for each in data["comparisons"]
    ]  # fmt: skip
    return (
        "## Differences\n\nPaired: same mixtures, same seeds, same resamples, drawn over songs and seeds. Positive "
        "where the first is better (of the loss: lower). A verdict for sure needs an interval without 0 and "
        f"{FEWEST_SEEDS} seeds or more, all of one sign.\n\n{table(head, rows, left=4)}"
    )


def _test_sets(data: dict[str, Any]) -> str:
    head = ["test set", "items", "songs", "left out: not both present and absent"]
    rows = [
        [
            _title(name),
            str(each["items"]),
            str(each["songs"]),
            ", ".join(DISPLAY_NAMES[x] for x in each["left_out"]) or "none",
        ]
        for name, each in data["test_sets"].items()
    ]
    return f"## Test sets\n\nA smaller set of mixtures is the beginning of the larger.\n\n{table(head, rows)}"


def _each_arm(data: dict[str, Any]) -> str:
    tests = list(data["test_sets"])
    head = ["arm", "best epoch", "validation loss", *(f"ROC-AUC, {_title(test)}" for test in tests)]
    rows = [
        [f"{_arm_name(arm)}, seed {arm['seed']}", str(arm["validation"]["epoch"])]
        + [number(arm["validation"]["loss"])]
        + [estimate(arm["tests"][test]["roc_auc"]) if test in arm["tests"] else "-" for test in tests]
        for arm in data["arms"]
    ]
    return f"## Every arm\n\n{table(head, rows)}"


def _times(data: dict[str, Any]) -> str:
    rows = [[name, f"{seconds / 60:.1f}"] for name, seconds in data["times"].items()]
    total = sum(data["times"].values()) / 60
    return f"## Times\n\n{table(['arm', 'minutes of training'], [*rows, ['all', f'{total:.1f}']])}" if rows else ""
