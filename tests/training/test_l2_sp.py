"""Decay toward the first weights."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from organology.training.callbacks.l2_sp import L2SP


def begin(decay):
    network = nn.Linear(2, 1)
    frozen = nn.Parameter(torch.ones(1), requires_grad=False)
    network.register_parameter("frozen", frozen)
    module = SimpleNamespace(network=network, device=torch.device("cpu"))
    groups = [{"lr": 0.1, "params": [network.weight]}, {"lr": 0.01, "params": [network.bias]}]
    trainer = SimpleNamespace(optimizers=[SimpleNamespace(param_groups=groups)])
    callback = L2SP(decay)
    callback.on_train_start(trainer, module)
    return callback, trainer, module


def test_l2_sp_each_group_moves_back_by_its_own_rate():
    callback, trainer, module = begin(decay=2.0)
    first = module.network.weight.detach().clone(), module.network.bias.detach().clone()
    with torch.no_grad():
        module.network.weight += 1.0
        module.network.bias += 1.0
        module.network.frozen += 1.0
    callback.on_train_batch_end(trainer, module, None, None, 0)
    torch.testing.assert_close(module.network.weight - first[0], torch.full((1, 2), 0.8))
    torch.testing.assert_close(module.network.bias - first[1], torch.full((1,), 0.98))
    assert module.network.frozen.item() == 2.0


def test_l2_sp_resumed_run_decays_toward_the_very_first_weights():
    callback, trainer, module = begin(decay=1.0)
    first = module.network.weight.detach().clone()
    with torch.no_grad():
        module.network.weight += 1.0
    resumed = L2SP(1.0)
    resumed.load_state_dict(callback.state_dict())
    resumed.on_train_start(trainer, module)
    resumed.on_train_batch_end(trainer, module, None, None, 0)
    assert (module.network.weight - first).mean().item() == pytest.approx(0.9)
