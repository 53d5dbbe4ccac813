"""Loss and schedules, against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from organology.model import InstrumentNet, ModelConfig
from organology.training.schedule import learning_rate_factor
from organology.training.transfer.losses import masked_bce, transfer_loss
from organology.training.transfer.recipe import TrainingConfig
from organology.training.transfer.schedule import backbone_learns, set_learning


def bce(p, y):
    return -(y * math.log(p) + (1 - y) * math.log(1 - p))


def logit(p):
    return math.log(p / (1 - p))


def test_loss_unknown_targets_contribute_nothing():
    logits = torch.tensor([[logit(0.8), logit(0.3), 50.0], [logit(0.6), -50.0, logit(0.9)]], requires_grad=True)
    targets = torch.tensor([[1, 0, -1], [0, -1, 1]], dtype=torch.int8)
    loss = masked_bce(logits, targets)
    by_hand = (bce(0.8, 1) + bce(0.3, 0) + bce(0.6, 0) + bce(0.9, 1)) / 4
    assert loss.item() == pytest.approx(by_hand, rel=1e-6)
    loss.backward()
    assert logits.grad[0, 2] == 0 and logits.grad[1, 1] == 0
    assert float(logits.grad[0, 0]) == pytest.approx((0.8 - 1) / 4, rel=1e-5)


def test_loss_nothing_known_is_nought():
    logits = torch.ones(2, 3, requires_grad=True)
    loss = masked_bce(logits, torch.full((2, 3), -1, dtype=torch.int8))
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


def test_loss_teacher_without_a_label_leaves_it_out():
    logits = torch.tensor([[logit(0.8), logit(0.3)]])
    targets = torch.tensor([[1, 0]], dtype=torch.int8)
    teacher, knows = torch.tensor([[0.5, 0.9]]), torch.tensor([True, False])
    by_hand = 0.7 * (bce(0.8, 1) + bce(0.3, 0)) / 2 + 0.3 * bce(0.8, 0.5)
    assert float(transfer_loss(logits, targets, teacher, 0.3, knows)) == pytest.approx(by_hand, rel=1e-6)


def test_loss_teacher_counts_where_labels_are_unknown():
    logits = torch.tensor([[logit(0.8), logit(0.3)]])
    targets = torch.tensor([[1, -1]], dtype=torch.int8)
    teacher = torch.tensor([[0.5, 0.25]])
    by_hand = 0.7 * bce(0.8, 1) + 0.3 * (bce(0.8, 0.5) + bce(0.3, 0.25)) / 2
    assert float(transfer_loss(logits, targets, teacher, 0.3)) == pytest.approx(by_hand, rel=1e-6)
    assert float(transfer_loss(logits, targets)) == pytest.approx(bce(0.8, 1), rel=1e-6)


def test_schedule_step_is_the_papers():
    config = TrainingConfig()
    for epoch, factor in ((0, 1), (19.99, 1), (20, 0.3), (59, 0.09), (140, 0.3**7), (149.9, 0.3**7)):
        assert learning_rate_factor(config, epoch) == pytest.approx(factor)


def test_schedule_cosine_with_warm_up_rises_and_falls():
    config = TrainingConfig(schedule="cosine", epochs=10, warmup_epochs=2, final_factor=0.1, batches_per_epoch=100)
    assert learning_rate_factor(config, 0) == pytest.approx(0.01 / 2.01)
    assert learning_rate_factor(config, 1) == pytest.approx(1.01 / 2.01)
    assert learning_rate_factor(config, 2) == pytest.approx(1)
    assert learning_rate_factor(config, 6) == pytest.approx(0.1 + 0.9 / 2)
    assert learning_rate_factor(config, 10) == pytest.approx(0.1)
    rates = [learning_rate_factor(config, 2 + i / 100) for i in range(800)]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize(
    ("settings", "epoch", "learning"),
    [
        ({"transfer": "scratch", "unfreeze_after_epochs": 5}, 0, True),
        ({"transfer": "frozen"}, 100, False),
        ({}, 0, True),
        ({"unfreeze_after_epochs": 3}, 2, False),
        ({"unfreeze_after_epochs": 3}, 3, True),
    ],
)
def test_schedule_backbone_learns_by_method_and_epoch(settings, epoch, learning):
    assert backbone_learns(TrainingConfig(**settings), epoch) is learning


def test_schedule_frozen_stages_keep_weights_and_statistics():
    network = InstrumentNet(ModelConfig(channels=(4, 4, 4, 4, 4, 4, 4)))
    set_learning(network, TrainingConfig(transfer="frozen"), 0)
    network.freeze_backbone(learn_last=2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.Adam(network.parameters(), 0.1)
    network(torch.randn(2, 36_000)).square().mean().backward()
    optimizer.step()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith(("backbone.blocks.5", "backbone.blocks.6", "head")) for name in changed)
    assert any(name.startswith("backbone.blocks.5") for name in changed)


def test_schedule_batch_norm_statistics_can_be_kept():
    network = InstrumentNet(ModelConfig(channels=(4, 4, 4, 4, 4, 4, 4)))
    set_learning(network, TrainingConfig(freeze_batch_norm=True), 0)
    norms = [module for module in network.backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    assert not any(norm.training for norm in norms)
    assert all(p.requires_grad for p in network.backbone.parameters())
    assert network.head.training
