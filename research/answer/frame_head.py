"""A frame head: the shipped head, taken on from where it is with what sounds in each frame of mixtures.

    python research/answer/frame_head.py CHECKPOINT MIXTURES OUT.npz [--steps 1500] [--rate 5e-4] [--stay 1.0]

MIXTURES is a folder of `mixtures.py`. The head hears the mean over three frames; what it adds to the shipped one is
linear in that mean, in the frame alone and in the whole window (each less the mean over three), begins at nought and is
drawn back to it (`--stay`). Logits are uncalibrated, as the shipped head's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from common import load
from finer import read_mixtures
from frames import moving_mean
from torch import Tensor, nn

from organology.model import InstrumentNet


class FrameHead(nn.Module):
    """Maps (n, frames, 384) -> logits (n, frames, 15): the shipped head and a linear addition."""

    def __init__(self, net: InstrumentNet) -> None:
        super().__init__()
        self.base = net.head.requires_grad_(False)
        self.norm = nn.LayerNorm(384, elementwise_affine=False)
        n = len(net.labels)
        self.around, self.alone, self.whole = (nn.Linear(384, n, bias=k == 0) for k in range(3))
        for layer in (self.around, self.alone, self.whole):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.around.bias)
        self.scale = nn.Parameter(torch.ones(n))

    def added(self, one: Tensor, three: Tensor, window: Tensor) -> Tensor:
        """What is added to the shipped head's logits; each (..., 384)."""
        return self.around(self.norm(three)) + self.alone((one - three) * 2) + self.whole((window - three) * 2)

    def forward(self, one: Tensor, three: Tensor, window: Tensor, base: Tensor) -> Tensor:
        """`base` is what the shipped head says of `three`."""
        return self.scale * base + self.added(one, three, window)


def inputs_of(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames, means over three, and windows, each (n, frames, 384) float32."""
    one = maps.astype(np.float32)
    return one, moving_mean(one, 3), np.broadcast_to(one.mean(1, keepdims=True), one.shape)


@torch.no_grad()
def apply(head: FrameHead, maps: np.ndarray) -> np.ndarray:
    """Uncalibrated logits (n, frames, 15)."""
    one, three, window = (torch.from_numpy(np.ascontiguousarray(part)) for part in inputs_of(maps))
    base = head.base(three.reshape(-1, 384)).reshape(*three.shape[:2], -1)
    return head(one, three, window, base).numpy()


def train(
    net: InstrumentNet, maps: np.ndarray, targets: np.ndarray, steps: int, rate: float, stay: float, seed: int = 0
) -> FrameHead:
    """On cached features."""
    torch.manual_seed(seed)
    head = FrameHead(net)
    learning = [p for name, p in head.named_parameters() if not name.startswith("base")]
    optimizer = torch.optim.Adam(learning, rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps + 1)
    counts = np.array([(targets == 1).sum((0, 1)), (targets == 0).sum((0, 1))])
    weight = torch.from_numpy(np.sqrt(np.clip(counts[1] / np.maximum(counts[0], 1), 1, 9)).astype(np.float32))
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        rows = np.sort(rng.choice(len(maps), 48, replace=False))
        one, three, window = (torch.from_numpy(np.ascontiguousarray(part)) for part in inputs_of(maps[rows]))
        t = torch.from_numpy(targets[rows])
        with torch.no_grad():
            base = head.base(three.reshape(-1, 384)).reshape(*three.shape[:2], -1)
        # Calibrated, so that the loss begins where the shipped model is.
        logits = head(one, three, window, base) * net.slopes + net.offsets
        known = (t >= 0).float()
        loss = nn.functional.binary_cross_entropy_with_logits(
            logits, t.clamp(min=0).float(), pos_weight=weight, reduction="none"
        )
        value = (loss * known).sum() / known.sum()
        value = value + stay * 1e-2 * sum(
            layer.weight.square().sum() for layer in (head.around, head.alone, head.whole)
        )
        value = value + 0.1 * (head.scale - 1).square().mean()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
    return head.eval()


def save(head: FrameHead, path: Path) -> None:
    """The addition alone."""
    state = {
        name.replace(".", "_"): value.detach().numpy()
        for name, value in head.state_dict().items()
        if not name.startswith("base")
    }
    np.savez(path, **state)


def read(net: InstrumentNet, path: Path) -> FrameHead:
    """What `save` wrote."""
    head = FrameHead(net)
    with np.load(path) as data:
        state = {
            name: torch.from_numpy(data[name.replace(".", "_")])
            for name in head.state_dict()
            if not name.startswith("base")
        }
    head.load_state_dict(state, strict=False)
    return head.eval()


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "mixtures", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--stay", type=float, default=1.0)
    given = parser.parse_args()
    net, _ = load(given.checkpoint)
    maps, targets = read_mixtures(given.mixtures, "shipped", "labels")
    save(train(net, maps, targets, given.steps, given.rate, given.stay), given.out)
    print(f"{len(maps)} mixtures")


if __name__ == "__main__":
    main()
