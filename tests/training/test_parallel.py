"""Training on several processes: the same items, the same losses, one that writes, and a resume on another number."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed as dist
from torch import nn

from organology.errors import ConfigError
from organology.training import load_recipe
from organology.training.config import LoopConfig
from organology.training.data import EpochSampler
from organology.training.parallel.layers import WholeBatchLayers, WholeBatchNorm, WholeDropout
from organology.training.parallel.place import Place
from organology.training.recipes import override
from organology.training.run_folder import RunFolder
from organology.training.transfer.losses import masked_bce
from training_support import make_corpus, write_recipe

TWO = ("--devices", "2")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    make_corpus(folder / "corpus")
    # A batch an epoch, so that the table of metrics has a row a step; some labels are unknown.
    # In double precision: Adam makes steps of gradients that are nothing but rounding.
    settings = {"batches_per_epoch": 1, "batch_size": 8, "validation_mixtures": 9, "epochs": 6, "precision": "64-true"}
    write_recipe(folder / "tiny.yaml", folder / "corpus", **settings)
    return folder


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(place: Path) -> Iterator[Start]:
    """Starts trainings, and leaves none behind."""
    runs: list[subprocess.Popen[str]] = []

    def started(out: str, *more: str) -> subprocess.Popen[str]:
        runs.append(_started(place, out, *more))
        return runs[-1]

    yield started
    for run in runs:
        run.kill()
        run.wait()


def _started(place: Path, out: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "organology", "train", "tiny.yaml", "--out", out, *more]
    paths = os.pathsep.join(filter(None, sys.path))
    env = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=place, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "logs/metrics.csv").open() as file:
        return list(csv.DictReader(file))


def losses(folder: Path, name: str) -> list[float]:
    return [float(row[f"loss/{name}"]) for row in rows(folder)]


def test_two_processes_learn_what_one_does_and_one_goes_on(place: Path, start: Start) -> None:
    one, two = start("one"), start("two", *TWO, "--epochs", "4")
    said, told = two.communicate(timeout=600)
    assert two.returncode == 0, told
    assert said.count("best: epoch") == 1
    assert told.count("epoch 4/4") == 1
    assert one.communicate(timeout=600) and one.returncode == 0
    assert losses(place / "two", "train") == pytest.approx(losses(place / "one", "train")[:4], abs=1e-5)
    assert losses(place / "two", "validation") == pytest.approx(losses(place / "one", "validation")[:4], abs=1e-4)
    resumed = start("two", "--resume")
    assert resumed.communicate(timeout=600) and resumed.returncode == 0
    assert losses(place / "two", "train") == pytest.approx(losses(place / "one", "train"), abs=1e-4)
    files = sorted(path.name for path in (place / "two").iterdir())
    assert files == ["best", "last.ckpt", "logs", "recipe.yaml", "summary.json"]


def test_killed_with_two_processes_goes_on_with_one(place: Path, start: Start) -> None:
    run = start("killed", *TWO, "--epochs", "500")
    assert run.stderr is not None
    for line in run.stderr:
        if line.startswith("epoch 2/"):
            break
    run.send_signal(signal.SIGKILL)
    threading.Thread(target=run.communicate, daemon=True).start()
    run.wait(timeout=60)
    done = RunFolder(place / "killed").epochs_done(500)
    resumed = start("killed", "--resume", "--epochs", str(done + 2))
    _, told = resumed.communicate(timeout=600)
    assert resumed.returncode == 0, told
    assert [row["epoch"] for row in rows(place / "killed")] == [str(i + 1) for i in range(done + 2)]


def test_epoch_sampler_shares_of_processes_are_the_batches_of_one() -> None:
    whole = np.array(list(EpochSampler(12, 3))).reshape(3, 4)
    shares = [np.array(list(EpochSampler(12, 3, Place(rank, 2)))).reshape(3, 2) for rank in (0, 1)]
    assert len(EpochSampler(12, 3, Place(1, 2))) == 6
    np.testing.assert_array_equal(np.sort(np.concatenate(shares, axis=1)), whole)


def test_recipe_batch_that_cannot_be_shared_out_is_refused(place: Path) -> None:
    with pytest.raises(ConfigError, match=r"batch_size must be a multiple of devices x num_nodes \(3\), got 8"):
        override(load_recipe(place / "tiny.yaml"), devices=3)


@pytest.mark.parametrize(
    ("variables", "rank"),
    [
        ({}, 0),
        ({"LOCAL_RANK": "1", "NODE_RANK": "2"}, 5),
        ({"TORCHELASTIC_RUN_ID": "x", "LOCAL_RANK": "1", "GROUP_RANK": "1", "RANK": "3", "WORLD_SIZE": "6"}, 3),
    ],
)
def test_place_follows_from_what_started_the_process(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], rank: int
) -> None:
    for name in ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Place.of(LoopConfig(devices=2, num_nodes=3, batch_size=12)) == Place(rank, 6)
    assert Place.of(LoopConfig()) == Place()


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    made = torch.Generator().manual_seed(1)
    return torch.randn(8, 5, generator=made), torch.randint(-1, 2, (8, 3), generator=made)


def learned(net: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(2)  # of dropout
    loss = masked_bce(net(inputs), targets)
    loss.backward()
    return loss.detach()


def _process(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", f"file://{folder}/rendezvous", rank=rank, world_size=2)
    try:
        net = WholeBatchLayers("cpu").apply(network())
        inputs, targets = batch()
        loss = learned(net, inputs[rank::2], targets[rank::2])
        gradients = [p.grad for p in net.parameters()]
        state = net.state_dict()
        torch.save((loss, gradients, state), f"{folder}/{rank}.pt")
    finally:
        dist.destroy_process_group()


def test_layers_loss_and_gradients_are_those_of_the_whole_batch(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(_process, (str(tmp_path),), nprocs=2)
    shares = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    net = network()
    loss = learned(net, *batch())
    assert torch.stack([share[0] for share in shares]).mean() == pytest.approx(float(loss), abs=1e-6)
    for i, parameter in enumerate(net.parameters()):
        mean = (shares[0][1][i] + shares[1][1][i]) / 2
        torch.testing.assert_close(mean, parameter.grad, atol=1e-6, rtol=1e-5)
    for name, value in net.state_dict().items():
        torch.testing.assert_close(shares[0][2][name], value, atol=1e-6, rtol=1e-5)
        assert torch.equal(shares[0][2][name], shares[1][2][name])


def test_layers_are_put_back_with_what_was_learned() -> None:
    net, layers = network(), WholeBatchLayers("cpu")
    norm, names = net[1], list(net.state_dict())
    layers.apply(net)
    assert isinstance(net[1], WholeBatchNorm) and isinstance(net[3], WholeDropout)
    assert net[1].weight is norm.weight and list(net.state_dict()) == names
    net(batch()[0])
    layers.revert(net)
    assert net[1] is norm and type(net[3]) is nn.Dropout
    assert int(norm.num_batches_tracked) == 1
