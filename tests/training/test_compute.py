"""What makes training quicker changes no result: compiled networks, losses read later."""

from __future__ import annotations

import math

import pytest
import torch

from organology.errors import ModelError
from organology.model import InstrumentNet, ModelConfig
from organology.training import TrainingConfig
from organology.training.compute import compiling
from organology.training.compute.loss_meter import LossMeter
from organology.training.compute.precision import autocast
from organology.training.data import Batch
from organology.training.transfer.module import TransferModule

CONFIG = ModelConfig(channels=(4, 4))


def batch(n: int = 3) -> Batch:
    waveform = 0.1 * torch.randn(n, 8000, generator=torch.Generator().manual_seed(0))
    return Batch(waveform, torch.arange(n * 15).reshape(n, 15) % 2, [""] * n)


def module(**config: object) -> TransferModule:
    torch.manual_seed(1)
    return TransferModule(InstrumentNet(CONFIG), TrainingConfig(transfer="scratch", **config), 0)


def gradients(of: TransferModule) -> list[torch.Tensor]:
    torch.manual_seed(2)  # dropout
    of.network.train()
    of.training_step(batch(), 0).backward()
    return [p.grad.clone() for p in of.network.parameters()]


@pytest.fixture
def traced(monkeypatch):
    """Tracing only: no compiler is run, and traces are counted."""
    counts = []
    compile_ = torch.compile

    def backend(graph, inputs):
        counts.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", lambda f, **options: compile_(f, backend=backend, **options))
    torch._dynamo.reset()
    yield counts
    torch._dynamo.reset()


def test_compile_network_learns_the_same(traced):
    plain, compiled = gradients(module()), gradients(module(compile=True))
    assert traced
    assert all(torch.equal(a, b) for a, b in zip(plain, compiled, strict=True))


def test_compile_network_once_and_in_one_piece(traced):
    compiled = module(compile=True)
    for _ in range(3):
        gradients(compiled)
    assert len(traced) == 1
    names = {str(node.target) for graph in traced for node in graph.graph.nodes}
    assert any("conv" in name for name in names) and not any("stft" in name for name in names)


def test_compile_that_fails_lets_training_go_on(monkeypatch, caplog):
    def broken(graph, inputs):
        raise RuntimeError("no compiler found")

    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **options: compile_(f, backend=broken, **options))
    torch._dynamo.reset()
    failing = module(compile=True)
    found, wanted = gradients(failing), gradients(module())
    gradients(failing)
    assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
    warnings = [record for record in caplog.records if record.name == compiling.__name__]
    assert len(warnings) == 1 and "without: backend='broken' raised: RuntimeError: no comp" in warnings[0].message
    torch._dynamo.reset()


def test_compile_network_leaves_nothing_in_the_state():
    assert module(compile=True).state_dict().keys() == module().state_dict().keys()


def test_loss_meter_on_a_gpu_reads_some_at_a_time():
    class OnGpu(torch.Tensor):
        device = torch.device("cuda")

        def detach(self):
            return torch.Tensor.detach(self).as_subclass(torch.Tensor)

    def loss(value: float) -> torch.Tensor:
        return torch.tensor(value).as_subclass(OnGpu)

    meter = LossMeter()
    for step in range(30):
        meter.add(loss(step))
    assert meter.mean == sum(range(25)) / 25
    meter.add(loss(30), last=True)
    assert meter.mean == sum(range(31)) / 31
    meter.start(4)
    assert math.isnan(meter.mean)
    meter.add(loss(1.0))
    meter.add(loss(math.nan))
    with pytest.raises(ModelError, match="epoch 5, batch 2: the loss is not a number"):
        meter.add(loss(1.0), last=True)


def test_loss_meter_on_a_cpu_reads_each_at_once():
    meter = LossMeter()
    meter.add(torch.tensor(2.0))
    assert meter.mean == 2.0
    with pytest.raises(ModelError, match="epoch 1, batch 2"):
        meter.add(torch.tensor(math.inf))


def test_mixed_precision_keeps_front_end_and_loss_in_float32():
    network = InstrumentNet(CONFIG).eval()
    seen = {}
    network.backbone.register_forward_hook(lambda m, i, o: seen.update(spectrum=i[0].dtype, embedding=o.dtype))
    exact = network.frontend(batch().waveform)
    with autocast("cpu", "bf16-mixed"):
        assert torch.equal(network.frontend(batch().waveform), exact)
        logits = network(batch().waveform)
    assert (seen["spectrum"], seen["embedding"], logits.dtype) == (torch.float32, torch.bfloat16, torch.bfloat16)
    mixed = module()
    with autocast("cpu", "bf16-mixed"):
        assert mixed.training_step(batch(), 0).dtype == torch.float32
    for precision in ("32-true", "16-mixed"):
        with autocast("cpu", precision):
            assert network(batch().waveform).dtype == torch.float32
    with autocast("cuda:0", "32-true"):
        assert network(batch().waveform).dtype == torch.float32


def test_labels_that_nobody_plays_are_not_unlearned():
    unheard = torch.zeros(15, dtype=torch.bool)
    unheard[3] = True
    network = InstrumentNet(CONFIG).eval()
    task = TransferModule(network, TrainingConfig(), 0, unheard=unheard)
    whole = TransferModule(network, TrainingConfig(), 0)
    given = batch()
    absent, unknown = torch.zeros(3, 15, dtype=torch.int8), torch.zeros(3, 15, dtype=torch.int8)
    unknown[:, 3] = -1
    loss = task.batch_loss(given._replace(targets=absent))
    assert loss == whole.batch_loss(given._replace(targets=unknown))
    assert loss != whole.batch_loss(given._replace(targets=absent))
