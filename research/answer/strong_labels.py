"""The whole network goes on with what sounds in every frame: strong labels.

    python research/answer/strong_labels.py OUT --init CHECKPOINT --stems PACK --recordings PACK
        [--steps 4500] [--rate 2e-4] [--head-rate 3e-4] [--seed 0] [--share 0.4]

CHECKPOINT has the label set `instruments` (`organology import`, or `assemble.py`), PACK is what `pack.py` wrote without
its suffix. The loss is the binary cross-entropy of calibrated logits in every frame, and a bit of it in the whole
window, for which a label sounds if it does in one frame. Batch norms, the AudioSet classifier and the terms between
labels stay as they are. OUT/state.pt is written every 500 steps, and a run that was stopped goes on with it;
OUT/ema-STEP is the mean of the weights over some thousand steps, a checkpoint folder. Its calibration does not fit any
more: `settle.py` makes it anew.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from layers import Layers
from torch import Tensor, nn

from organology.atomic import written_whole
from organology.model import InstrumentNet, load_checkpoint, save_checkpoint
from organology.model.network import FRAME_CONTEXT

BATCH, WINDOW_WEIGHT, EMA, STATE_EVERY, SHOW_EVERY = 16, 0.3, 0.999, 500, 100


class Mixtures(torch.utils.data.Dataset[tuple[Tensor, Tensor, Tensor]]):
    """A mixture is a function of the seed and its number."""

    def __init__(self, layers: Layers, seed: int) -> None:
        self.layers, self.seed = layers, seed

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        drawn = self.layers.draw(np.random.default_rng([self.seed, number]))
        return tuple(torch.from_numpy(part.astype(np.float32)) for part in drawn)


def window_and_frames(net: InstrumentNet, waveform: Tensor) -> tuple[Tensor, Tensor]:
    """Calibrated logits of windows (batch, n_labels) and frames (batch, n_frames, n_labels), families not raised."""
    embeddings = net.backbone.frames(net.frontend(waveform)).transpose(1, 2)
    around = nn.functional.avg_pool1d(embeddings, FRAME_CONTEXT, 1, FRAME_CONTEXT // 2, count_include_pad=False)
    both = torch.cat([embeddings.mean(2, keepdim=True), around], dim=2).transpose(1, 2)
    logits = net.head(both.flatten(0, 1)).unflatten(0, both.shape[:2]) * net.slopes + net.offsets
    return logits[:, 0], logits[:, 1:]


def masked(logits: Tensor, targets: Tensor, known: Tensor, weight: Tensor) -> Tensor:
    """Mean loss over what is known."""
    loss = nn.functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight, reduction="none")
    return (loss * known).sum() / known.sum()


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    for name in ("init", "stems", "recordings"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--head-rate", type=float, default=3e-4)
    parser.add_argument("--share", type=float, default=0.4, help="of mixtures with recordings without labels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep-every", type=int, default=1000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    layers = Layers(given.stems, given.recordings, given.share)
    net, about = load_checkpoint(given.init)
    if list(net.labels) != layers.names:
        raise SystemExit(f"{given.init}: must have the label set instruments")
    net.requires_grad_(False).eval()
    of_head = [*net.head.norm.parameters(), *net.head.linear.parameters(), net.head.scale]
    of_backbone = list(net.backbone.parameters())
    learning = [parameter.requires_grad_(True) for parameter in (*of_backbone, *of_head)]
    optimizer = torch.optim.AdamW(
        [{"params": of_backbone, "lr": given.rate}, {"params": of_head, "lr": given.head_rate}], weight_decay=1e-4
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [given.rate, given.head_rate], total_steps=given.steps + 1, pct_start=0.08
    )
    mean = {name: value.clone() for name, value in net.state_dict().items()}
    share = torch.full((len(net.labels),), 0.05)
    step, state = 0, given.out / "state.pt"
    if state.exists():
        kept = torch.load(state, weights_only=True)
        net.load_state_dict(kept["net"])
        optimizer.load_state_dict(kept["optimizer"])
        schedule.load_state_dict(kept["schedule"])
        mean, share, step = kept["mean"], kept["share"], kept["step"]
    numbers = range(step * BATCH, given.steps * BATCH)
    data = torch.utils.data.DataLoader(Mixtures(layers, given.seed), BATCH, sampler=numbers)
    begun, shown = time.monotonic(), []
    for waveform, sounds, known in data:
        of_window, of_frames = window_and_frames(net, waveform)
        share = 0.99 * share + 0.01 * ((sounds * known).sum((0, 1)) / known.sum((0, 1)).clamp(min=1)).clamp(1e-3)
        weight = ((1 - share) / share).clamp(1, 16).sqrt()
        somewhere = sounds.amax(1)
        sure = ((known.amin(1) > 0) | (somewhere > 0.99)).float()
        losses = (masked(of_frames, sounds, known, weight), masked(of_window, somewhere, sure, weight))
        optimizer.zero_grad()
        (losses[0] + WINDOW_WEIGHT * losses[1]).backward()
        nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        schedule.step()
        step += 1
        decay = min(EMA, step / (step + 20))
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                mean[name].lerp_(value, 1 - decay)
        shown.append([loss.item() for loss in losses])
        if step % SHOW_EVERY == 0:
            frames, windows = np.mean(shown[-SHOW_EVERY:], axis=0)
            seconds = (time.monotonic() - begun) / len(shown)
            print(f"{step}: frames {frames:.4f}, windows {windows:.4f}, {seconds:.2f} s a step", flush=True)
        if step % STATE_EVERY == 0 or step == given.steps:
            kept = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
            with written_whole(state) as temporary:
                torch.save({**kept, "mean": mean, "share": share, "step": step}, temporary)
        if step % given.keep_every == 0 or step == given.steps:
            averaged, _ = load_checkpoint(given.init)
            averaged.load_state_dict(mean)
            save_checkpoint(given.out / f"ema-{step}", averaged, about)


if __name__ == "__main__":
    main()
