"""`torch.compile`, where it works."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from organology.model.network import InstrumentNet

log = logging.getLogger(__name__)


class CompiledNetwork:
    """A network whose backbone and head run through `torch.compile`; the front end, made of an FFT and one product,
    gains nothing and stays as it is, in float32.

    Batches of training have one shape, so nothing is compiled for changing ones. Which stages learn, and which are in
    training mode, is compiled in: a change of it (`unfreeze_after_epochs`) compiles anew. Where compilation fails, for
    lack of a compiler for instance, one warning says so and the network runs uncompiled.

    Parameters
    ----------
    network : InstrumentNet
    """

    def __init__(self, network: InstrumentNet) -> None:
        self._network = network
        self._run: Callable[[Tensor], Tensor] = torch.compile(self._learning_part, dynamic=False)
        self._works = True

    def __call__(self, waveform: Tensor) -> Tensor:
        """Logits: (batch, samples) -> (batch, n_labels)."""
        from torch._dynamo.exc import TorchDynamoException

        spectrum = self._network.frontend(waveform)
        if self._works:
            try:
                return self._run(spectrum)
            except TorchDynamoException as error:
                self._works = False
                reason = " ".join(str(error).split())[:200]
                log.warning("torch.compile does not work here, going on without: %s", reason)
        return self._learning_part(spectrum)

    def _learning_part(self, spectrum: Tensor) -> Tensor:
        logits: Tensor = self._network.head(self._network.backbone(spectrum))
        return logits
