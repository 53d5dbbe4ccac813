"""Pieces of a report in Markdown: tables, figures, the section of the conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, all columns but the first `left` ones to the right."""
    rule = [*["---"] * left, *["---:"] * (len(head) - left)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows])


def number(value: float | None, digits: int = 3) -> str:
    """A figure, "-" where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def estimate(figure: dict[str, Any]) -> str:
    """Value, [interval] and ±spread over seeds of a figure, as far as they are known."""
    interval = "" if figure["low"] is None else f" [{number(figure['low'])}, {number(figure['high'])}]{mark(figure)}"
    spread = figure.get("spread")
    return number(figure["value"]) + interval + (f" ±{spread:.3f}" if spread is not None else "")


def signed(figure: dict[str, Any]) -> str:
    """A difference with its [interval]."""
    value, low, high = (figure[name] for name in ("value", "low", "high"))
    return f"{value:+.3f}" + ("" if low is None else f" [{low:+.3f}, {high:+.3f}]{mark(figure)}")


ONE_SIDED = "†"
REMARK = (
    f"{ONE_SIDED} The interval ends at the value, or lies beside it: all resamples lie to one side, and a percentile "
    "interval says little there."
)


def mark(figure: dict[str, Any]) -> str:
    """`ONE_SIDED` where an interval, as it is shown, does not lie around its value."""
    value, low, high = (round(figure[name], 3) for name in ("value", "low", "high"))
    return "" if low < value < high else ONE_SIDED


def conditions(data: dict[str, Any]) -> str:
    """Under what conditions all this holds."""
    setup, machine = data["setup"], data["machine"]
    training = setup["training"]
    weights = data["pretrained"]
    lines = [
        *(f"trained by `{command}`" for command in data["commands"]),
        f"reported by `{data['reported_by']}`",
        f"backbone: {data['backbone']}, head: {setup['model']['head']}",
        "pre-trained weights: " + (f"{weights['path']}, SHA-256 {weights['sha256']}" if weights else "none"),
        f"schedule: {training['epochs']} epochs of {training['batches_per_epoch']} batches of "
        f"{training['batch_size']}; {training['optimizer']}, {training['head_learning_rate']:g} (a fine-tuned "
        f"backbone: {training['backbone_learning_rate']:g}), times {training['step_factor']:g} every "
        f"{training['step_epochs']} epochs; {training['precision']}",
        f"validated after every epoch on {training['validation_mixtures']} mixtures; the lowest loss is kept",
        f"intervals: {data['bootstrap']} resamples of the songs, of differences also of the seeds",
        *(
            f"corpus {each['folder']}: songs {_counts(each['songs'])}; stems {_counts(each['stems'])}; table SHA-256 "
            f"{each['table_sha256']}"
            for each in data["corpora"]
        ),
        f"songs divided: {_split(setup['mixing'].get('split'))}",
        f"shifted and stretched chunks: {_variants(setup['mixing']['stretch_variants'])}",
        "versions: " + ", ".join(f"{name} {version}" for name, version in data["versions"].items()),
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
