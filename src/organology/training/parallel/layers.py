"""Batch norm and dropout of the whole batch, of which each process has a share.

Lightning puts these layers in place of a network's own when a training on several processes begins.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from organology.training.lightning import LayerSync
from organology.training.parallel.collectives import n_processes, rank, total


class WholeBatchNorm(_BatchNorm):
    """Batch norm with the means and variances of the whole batch, on any device.

    (`torch.nn.SyncBatchNorm` does the same on GPUs only, where it is used.)
    """

    def _check_input_dim(self, inputs: Tensor) -> None:
        if inputs.dim() < 2:
            raise ValueError(f"expected at least 2 dimensions, got {inputs.dim()}")

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalize: (batch, channels, …) -> the same shape."""
        if not self.training or n_processes() == 1:
            return super().forward(inputs)
        axes = [axis for axis in range(inputs.dim()) if axis != 1]
        shape = [1, -1, *[1] * (inputs.dim() - 2)]
        values = inputs.to(torch.promote_types(inputs.dtype, torch.float32))
        n = values.numel() // values.shape[1] * n_processes()  # shares are equally large
        mean = total(values.sum(axes)) / n
        centered = values - mean.view(shape)
        variance = total(centered.square().sum(axes)) / n
        if self.track_running_stats:
            self._follow(mean.detach(), variance.detach() * (n / max(n - 1, 1)))
        found = centered * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            found = found * self.weight.view(shape) + self.bias.view(shape)
        return found.to(inputs.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        for kept, now in ((self.running_mean, mean), (self.running_var, variance)):
            assert kept is not None
            kept.mul_(1 - momentum).add_(now.to(kept.dtype), alpha=momentum)


class WholeDropout(nn.Dropout):
    """Dropout with this process's rows of the mask that one process would draw for the whole batch."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Drop out: (share of the batch, …) -> the same shape."""
        count = n_processes()
        if not self.training or count == 1:
            return super().forward(inputs)
        whole = inputs.new_ones((len(inputs) * count, *inputs.shape[1:]))
        return inputs * F.dropout(whole, self.p)[rank() :: count]


class WholeBatchLayers(LayerSync):
    """Puts these layers into a network, and takes them out again.

    Parameters
    ----------
    device : str
        "cpu" or "cuda".
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._former: dict[nn.Module, nn.Module] = {}

    def apply(self, model: nn.Module) -> nn.Module:
        """Replace batch norms and dropouts; weights, statistics and names stay."""
        return _replaced(model, self._whole)

    def revert(self, model: nn.Module) -> nn.Module:
        """Put the former layers back, with what was learned."""
        return _replaced(model, self._before)

    def _whole(self, layer: nn.Module) -> nn.Module | None:
        if isinstance(layer, nn.Dropout):
            found: nn.Module = WholeDropout(layer.p)
        elif isinstance(layer, _BatchNorm):
            kind = nn.SyncBatchNorm if self._device == "cuda" else WholeBatchNorm
            found = kind(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
            _hand_over(layer, found)
        else:
            return None
        found.train(layer.training)
        self._former[found] = layer
        return found

    def _before(self, layer: nn.Module) -> nn.Module | None:
        former = self._former.get(layer)
        if former is not None:
            _hand_over(layer, former)
            former.train(layer.training)
        return former


def _hand_over(one: nn.Module, other: nn.Module) -> None:
    """Let another layer have the same weights and statistics, not copies of them."""
    other._parameters, other._buffers = one._parameters, one._buffers


def _replaced(model: nn.Module, change: Callable[[nn.Module], nn.Module | None]) -> nn.Module:
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            other = change(layer)
            if other is not None:
                setattr(parent, name, other)
    return model
