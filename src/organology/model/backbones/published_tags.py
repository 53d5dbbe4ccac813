"""State dicts of sota-music-tagging-models (Won et al., 2020) under our names."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def parts_of(state: Mapping[str, Tensor], classifier: str) -> dict[str, Tensor]:
    """A published state dict with the parts `backbone.…` and `classifier.…`, without those of the front end.

    Parameters
    ----------
    state : mapping of str to tensor
    classifier : str
        Name of the last layer.
    """
    renamed = {}
    for name, value in state.items():
        if name.startswith("spec."):  # window and mel bank: `FrontendConfig` says what they are
            continue
        own, dot, rest = name.partition(".")
        renamed[f"classifier{dot}{rest}" if own == classifier else f"backbone.{name}"] = value
    return renamed
