from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from model_signals import TINY, metadata, settled
from organology.cli import command_line
from organology.errors import ModelError
from organology.model import PAPER, InstrumentNet, ModelConfig, average_checkpoints, load_checkpoint, save_checkpoint
from organology.model.checkpoint_files import WEIGHTS
from organology.model_metadata import Calibration

CONFIG = ModelConfig("short-chunk", "paper", channels=TINY)


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Checkpoints whose every weight with a fraction is that of the first, plus 0, 1 and 4."""
    folders = []
    for number, more in enumerate((0.0, 1.0, 4.0)):
        net = settled(CONFIG)
        with torch.no_grad():
            for value in net.state_dict().values():
                if value.is_floating_point():
                    value += more
        net.calibrate(Calibration((2.0,) * 15, (0.5,) * 15))
        described = replace(metadata(net), thresholds=(0.1 * (number + 1),) * 15, provenance={"seed": number})
        save_checkpoint(tmp_path / str(number), net, described)
        folders.append(tmp_path / str(number))
    return folders


def _lift(folder: Path, first: Path) -> float:
    """By how much every weight lies above the first checkpoint's."""
    state, of_first = load_checkpoint(folder)[0].state_dict(), load_checkpoint(first)[0].state_dict()
    lifts = torch.cat([(state[k] - v).flatten() for k, v in of_first.items() if v.is_floating_point()])
    assert lifts.max() - lifts.min() < 1e-4
    return float(lifts.mean())


@pytest.mark.parametrize(
    ("shares", "lift", "threshold"), [([], 5 / 3, 0.2), (["1", "1", "2"], 9 / 4, 0.225)], ids=["equal", "given"]
)
def test_average_of_two_averages_weights_and_thresholds(
    three: list[Path], tmp_path: Path, shares: list[str], lift: float, threshold: float
) -> None:
    out = tmp_path / "mean"
    arguments = ["average", *map(str, three), "--out", str(out), *(a for share in shares for a in ("--share", share))]
    result = CliRunner().invoke(command_line(), arguments)
    assert result.exit_code == 0, result.output
    net, described = load_checkpoint(out)
    assert _lift(out, three[0]) == pytest.approx(lift, abs=1e-4)
    assert described.thresholds == pytest.approx((threshold,) * 15)
    assert described.calibration == net.calibration == Calibration((2.0,) * 15, (0.5,) * 15)
    parents = described.provenance["average_of"]
    hashes = [hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest() for folder in three]
    assert [(part["name"], part["sha256"]) for part in parents] == [("test", sha256) for sha256 in hashes]
    assert all(set(part) == {"share", "name", "sha256"} for part in parents)
    assert sum(part["share"] for part in described.provenance["average_of"]) == pytest.approx(1)


def test_average_of_networks_calibrated_in_other_ways_is_not_calibrated(three: list[Path], tmp_path: Path) -> None:
    net, described = load_checkpoint(three[1])
    described = replace(described, presets={"strict": (0.8,) * 15})
    save_checkpoint(tmp_path / "same", net, described)
    net.calibrate(Calibration((3.0,) * 15, (0.5,) * 15))
    save_checkpoint(tmp_path / "other", net, described)
    for first, second, kept in (("same", three[0], True), ("same", "other", False)):
        mean, told = average_checkpoints([tmp_path / first, tmp_path / second])
        assert (told.calibration is not None, "strict" in told.presets) == (kept, kept)
        assert told.calibration == mean.calibration


def test_average_of_networks_at_other_levels_is_exact(three: list[Path], tmp_path: Path) -> None:
    net, described = load_checkpoint(three[1])
    net.set_level(-30)
    save_checkpoint(tmp_path / "leveled", net, described)
    for first, second, level in ((three[0], tmp_path / "leveled", None), (tmp_path / "leveled", three[0], -30)):
        mean, described = average_checkpoints([first, second])
        assert mean.frontend.config.level_db == described.frontend["level_db"] == level
    finer = InstrumentNet(replace(CONFIG, frontend=replace(PAPER, n_mels=130)))
    save_checkpoint(tmp_path / "finer", finer, metadata(finer))
    with pytest.raises(ModelError, match="finer: a network of another configuration"):
        average_checkpoints([three[0], tmp_path / "finer"])


def test_average_of_one_network_with_itself_is_that_network(three: list[Path]) -> None:
    net, _ = average_checkpoints([three[2], three[2]])
    for name, value in load_checkpoint(three[2])[0].state_dict().items():
        assert torch.allclose(net.state_dict()[name], value, atol=1e-6), name


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A file laid out as the published weights, with random ones."""
    shapes = json.loads((Path(__file__).parent / "fixtures" / "mn04_as_parameters.json").read_text("utf-8"))
    generator = torch.Generator().manual_seed(1)
    weights = {name: torch.randn(shape, generator=generator).abs() for name, shape in shapes.items()}
    torch.save(weights, tmp_path / "published.pt")
    return tmp_path / "published.pt"


def test_average_with_the_start_of_the_fine_tuning_is_made(published: Path, tmp_path: Path) -> None:
    start = InstrumentNet(ModelConfig("mobilenet", "anchored", head_norm=True))
    start.load_pretrained(published)
    tuned = settled(start.config)
    save_checkpoint(tmp_path / "tuned", tuned, metadata(tuned))
    net, described = average_checkpoints([tmp_path / "tuned", published], [9, 1])
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            expected = 0.9 * tuned.state_dict()[name] + 0.1 * start.state_dict()[name]
            assert torch.allclose(value, expected, rtol=1e-4, atol=1e-5), name
    assert described.thresholds == pytest.approx(metadata(tuned).thresholds)
    told = described.provenance["average_of"]
    assert [part["share"] for part in told] == pytest.approx([0.9, 0.1])
    assert told[1]["file"] == "published.pt" and len(told[1]["sha256"]) == 64


def test_average_of_different_networks_is_refused(three: list[Path], published: Path, tmp_path: Path) -> None:
    other = settled(replace(CONFIG, head="linear"))
    save_checkpoint(tmp_path / "other", other, metadata(other))
    with pytest.raises(ModelError, match=r"other: a network of another configuration"):
        average_checkpoints([three[0], tmp_path / "other"])
    with pytest.raises(ModelError, match="two checkpoints or more"):
        average_checkpoints(three[:1])
    with pytest.raises(ModelError, match="3 checkpoints and 2 shares"):
        average_checkpoints(three, [1, 2])
    with pytest.raises(ModelError, match="above 0"):
        average_checkpoints(three, [1, 0, 2])
    with pytest.raises(ModelError, match="missing: no such checkpoint"):
        average_checkpoints([three[0], tmp_path / "missing"])
    with pytest.raises(ModelError, match=r"published\.pt: published weights say nothing of .* the head 'paper'"):
        average_checkpoints([three[0], published])
    with pytest.raises(ModelError, match=r"published\.pt: not a checkpoint folder"):
        average_checkpoints([published, three[0]])
