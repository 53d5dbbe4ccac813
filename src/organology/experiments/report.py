"""The page of an experiment: `report.md`, beside `report.json` and the pictures.

Everything but the section "Times" is the same, byte by byte, however often the run was stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from organology.experiments import paper, pictures
from organology.experiments.claims import comparisons, sentences
from organology.experiments.clips import FEWEST_PRESENT
from organology.experiments.plain import as_plain
from organology.experiments.preparing import Request
from organology.experiments.results import PER_CLASS, SINGLE, Results, gather
from organology.experiments.run import Outcome
from organology.files import written_whole
from organology.taxonomy import DISPLAY_NAMES

TITLES = {
    "table1": "Table 1: transfer methods",
    "figure3": "Figure 3: musical and non-musical mixtures",
    "figure4": "Figure 4: classes",
}
_SCALES = {
    "paper": "The paper's corpora and schedule.",
    "open": "Corpora under open licences, and far fewer mixtures than in the paper: orders can be compared with the "
    "paper's, values cannot.",
    "demo": "The starter corpus and minutes of training: shows the way, and nothing about the method. Intervals from "
    "so few songs are not to be trusted.",
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
    plain = as_plain(results, request, outcome)
    plain["comparisons"] = [each.told() for each in compared]
    plain["claims"] = sentences(results, compared)
    folder = request.out / "report" / f"{results.recipe.experiment}-{outcome.setup.model.backbone}"
    names = pictures.draw(results, plain, folder) if results.arms else []
    with written_whole(folder / "report.json") as temporary:
        temporary.write_text(json.dumps(plain, indent=1) + "\n", "utf-8")
    with written_whole(folder / "report.md") as temporary:
        temporary.write_text(page(results, plain, names), "utf-8")
    return folder, plain


def page(results: Results, plain: dict[str, Any], names: Sequence[str]) -> str:
    """The report in Markdown."""
    experiment = results.recipe.experiment
    parts = [f"# {TITLES[experiment]}", f"{paper.CITATION}.", _SCALES.get(plain["scale"], ""), _missing(plain)]
    parts.append("## What the figures say\n\n" + "\n".join(f"- {line}" for line in plain["claims"]))
    parts += [f"![{TITLES[experiment]}]({name})" for name in names]
    if results.arms:
        parts += [*_rankings(results, plain), _thresholds(plain)]
        parts += [_classes(plain)] if experiment == "figure4" else []
        parts += [_comparisons(plain), _test_sets(plain), _each_arm(plain)]
    parts += [_conditions(plain), _times(plain)]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, all columns but the first `left` ones to the right."""
    rule = [*["---"] * left, *["---:"] * (len(head) - left)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows])


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _estimate(figure: dict[str, Any]) -> str:
    interval = "" if figure["low"] is None else f" [{_number(figure['low'])}, {_number(figure['high'])}]"
    spread = figure.get("spread")
    return _number(figure["value"]) + interval + (f" ±{spread:.3f}" if spread is not None else "")


def _signed(figure: dict[str, Any]) -> str:
    value, low, high = (figure[name] for name in ("value", "low", "high"))
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def _missing(plain: dict[str, Any]) -> str:
    lines = [f"- missing: {name}" for name in plain["missing"]] + [f"- failed: {line}" for line in plain["failed"]]
    return "Not complete:\n\n" + "\n".join(lines) if lines else ""


def _title(test: str) -> str:
    return "real recordings" if test == "clips" else f"{test} mixtures"


def _row_name(plain: dict[str, Any], name: str) -> str:
    return paper.METHODS[name] if plain["experiment"] == "table1" else f"p_musical {name}"


def _rankings(results: Results, plain: dict[str, Any]) -> list[str]:
    """A table a test set: figures of each condition, the paper's beside them."""
    parts = [
        "## Figures\n\nMean over seeds [95 % interval: bootstrap over songs] ±standard deviation over seeds. ROC-AUC "
        "and PR-AUC are means over classes; the loss is the binary cross-entropy."
    ]
    for test in results.test_sets:
        conditions = {name: each for name, each in plain["conditions"].items() if test in each["tests"]}
        beside = test != "clips"
        head = ["", "seeds", *paper.METRICS.values()] + [f"{name}, paper" for name in paper.METRICS.values()] * beside
        rows = []
        for name, each in conditions.items():
            known = _of_paper(each) if beside else None
            rows.append(
                [_row_name(plain, name), str(len(each["seeds"]))]
                + [_estimate(each["tests"][test][metric]) for metric in paper.METRICS]
                + [_number(known[metric], 4) if known else "-" for metric in paper.METRICS] * beside
            )
        if rows:
            few = f"Labels that {FEWEST_PRESENT} or more of them have.\n\n" if test == "clips" else ""
            parts.append(f"### {_title(test).capitalize()}\n\n{few}{table(head, rows)}")
    return parts


def _of_paper(condition: dict[str, Any]) -> dict[str, float] | None:
    return paper.TABLE1[condition["transfer"]] if condition["p_musical"] == paper.TABLE1_P_MUSICAL else None


def _thresholds(plain: dict[str, Any]) -> str:
    """Macro F1 and accuracy with one threshold and with one a class."""
    head = ["", "threshold", "macro F1", "accuracy", "macro F1, one a class", "accuracy, one a class"]
    rows = []
    for name, each in plain["conditions"].items():
        chosen = [arm["thresholds"][SINGLE] for arm in plain["arms"] if _belongs(arm, each)]
        both = (each["thresholds"][SINGLE], each["thresholds"][PER_CLASS])
        figures = [_estimate(kind[figure]) for kind in both for figure in ("macro_f1", "macro_accuracy")]
        rows.append([_row_name(plain, name), ", ".join(_number(value, 2) for value in chosen), *figures])
    size = max(int(name) for name in plain["test_sets"] if name != "clips")
    return (
        f"## Thresholds\n\nTuned on validation mixtures (highest F1; one for all: macro F1), evaluated on the {size} "
        f"test mixtures. The paper's one threshold is {paper.THRESHOLD}.\n\n{table(head, rows)}"
    )


def _belongs(arm: dict[str, Any], condition: dict[str, Any]) -> bool:
    return (arm["transfer"], arm["p_musical"]) == (condition["transfer"], condition["p_musical"])


def _classes(plain: dict[str, Any]) -> str:
    """F1 and accuracy of every class, at both kinds of threshold."""
    (condition,) = list(plain["conditions"].values())[:1]
    size = max((name for name in plain["test_sets"] if name != "clips"), key=int)
    present = plain["test_sets"][size]["present"]
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
            _estimate(one[label]["f1"]),
            *(_number(one[label][name]["value"]) for name in ("precision", "recall")),
            *(_estimate(figure) for figure in (one[label]["accuracy"], each[label]["f1"], each[label]["accuracy"])),
        ]
        for label in one
    ]
    return f"## Classes\n\n{table(head, rows)}"


def _comparisons(plain: dict[str, Any]) -> str:
    if not plain["comparisons"]:
        return ""
    head = ["test set", "figure", "better, by the paper", "worse", "by how much", "verdict"]
    rows = [
        [_title(each["test"]), paper.METRICS[each["metric"]], _row_name(plain, each["better"]),
         _row_name(plain, each["worse"]), _signed(each), each["verdict"]]
        for each in plain["comparisons"]
    ]  # fmt: skip
    return (
        "## Differences\n\nPaired: same mixtures, same seeds, same resamples. Positive where the first is better (of "
        f"the loss: lower).\n\n{table(head, rows, left=4)}"
    )


def _test_sets(plain: dict[str, Any]) -> str:
    head = ["test set", "items", "songs", "left out: not both present and absent"]
    rows = [
        [
            _title(name),
            str(each["items"]),
            str(each["songs"]),
            ", ".join(DISPLAY_NAMES[x] for x in each["left_out"]) or "none",
        ]
        for name, each in plain["test_sets"].items()
    ]
    return f"## Test sets\n\nA smaller set of mixtures is the beginning of the larger.\n\n{table(head, rows)}"


def _each_arm(plain: dict[str, Any]) -> str:
    tests = list(plain["test_sets"])
    head = ["arm", "best epoch", "validation loss", *(f"ROC-AUC, {_title(test)}" for test in tests)]
    rows = [
        [f"{arm['transfer']}, p_musical {arm['p_musical']:g}, seed {arm['seed']}", str(arm["validation"]["epoch"])]
        + [_number(arm["validation"]["loss"])]
        + [_estimate(arm["tests"][test]["roc_auc"]) if test in arm["tests"] else "-" for test in tests]
        for arm in plain["arms"]
    ]
    return f"## Every arm\n\n{table(head, rows)}"


def _conditions(plain: dict[str, Any]) -> str:
    """Under what conditions all this holds."""
    setup, machine = plain["setup"], plain["machine"]
    training = setup["training"]
    weights = plain["pretrained"]
    lines = [
        *(f"command: `{command}`" for command in plain["commands"]),
        f"backbone: {plain['backbone']}, head: {setup['model']['head']}",
        "pre-trained weights: " + (f"{weights['path']}, SHA-256 {weights['sha256']}" if weights else "none"),
        f"schedule: {training['epochs']} epochs of {training['batches_per_epoch']} batches of "
        f"{training['batch_size']}; {training['optimizer']}, {training['head_learning_rate']:g} (a fine-tuned "
        f"backbone: {training['backbone_learning_rate']:g}), times {training['step_factor']:g} every "
        f"{training['step_epochs']} epochs; {training['precision']}",
        f"validated after every epoch on {training['validation_mixtures']} mixtures; the lowest loss is kept",
        f"intervals: {plain['bootstrap']} resamples of the songs",
        *(
            f"corpus {each['folder']}: songs {_counts(each['songs'])}; stems {_counts(each['stems'])}; table SHA-256 "
            f"{each['table_sha256']}"
            for each in plain["corpora"]
        ),
        f"songs divided: {_split(setup['mixing'].get('split'))}",
        f"shifted and stretched chunks: {_variants(setup['mixing']['stretch_variants'])}",
        "versions: " + ", ".join(f"{name} {version}" for name, version in plain["versions"].items()),
        f"machine: {machine['processor']}, {machine['cores']} cores, {machine['system']}, "
        f"{machine['cuda'] or 'no graphics card'}",
    ]
    return "## Conditions\n\n" + "\n".join(f"- {line}" for line in lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _split(split: dict[str, Any] | None) -> str:
    if split is None:
        return "as the corpora were prepared"
    shares = " / ".join(f"{100 * share:g}" for share in split["fractions"])
    apart = f" ({', '.join(split['by_song'])}: by song)" if split["by_song"] else ""
    return f"by {split['by']}{apart}, {shares} %, seed {split['seed']}"


def _variants(number: int) -> str:
    return "drawn anew each time" if number == 0 else f"{number} fixed ones of each stem, for speed"


def _times(plain: dict[str, Any]) -> str:
    rows = [[name, f"{seconds / 60:.1f}"] for name, seconds in plain["times"].items()]
    total = sum(plain["times"].values()) / 60
    return f"## Times\n\n{table(['arm', 'minutes of training'], [*rows, ['all', f'{total:.1f}']])}" if rows else ""
