"""The way from the band to the file: drawn with the plan of a mixture, applied when it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from organology.mixing.channel.base import MixtureTransform, Player, Samples, SourceTransform
from organology.mixing.channel.registered import TRANSFORMS, ChannelConfig
from organology.mixing.registry import Applied
from organology.mixing.seeds import Seed


@dataclass(frozen=True)
class ChannelPlan:
    """What was drawn for a mixture.

    Attributes
    ----------
    sources : tuple of tuple of Applied
        Per source its transforms; empty where none can be drawn.
    mixture : tuple of Applied
        Of the whole, in order.
    """

    sources: tuple[tuple[Applied, ...], ...] = ()
    mixture: tuple[Applied, ...] = ()

    def of_source(self, number: int) -> tuple[Applied, ...]:
        """Transforms of one source, in order."""
        return self.sources[number] if self.sources else ()


def draw_channel(seed: Seed, config: ChannelConfig, players: Sequence[Player]) -> ChannelPlan:
    """Draw the transforms of a mixture and of its sources; each draws from a generator of its own name.

    Parameters
    ----------
    seed : Seed
        Of the mixture's channel.
    config : ChannelConfig
    players : sequence of Player
        One a source.
    """
    mixture: list[Applied] = []
    sources: list[list[Applied]] = [[] for _ in players]
    for name, transform in config.items():
        if not transform.is_on:
            continue
        if isinstance(transform, MixtureTransform):
            rng = seed.child(name).generator()
            if rng.random() < transform.probability:
                mixture.append(Applied(name, transform.draw(rng, len(players))))
        elif isinstance(transform, SourceTransform):
            for number, player in enumerate(players):
                drawn = transform.draw(seed.child(name, number).generator(), player)
                if drawn is not None:
                    sources[number].append(Applied(name, drawn))
    return ChannelPlan(tuple(map(tuple, sources)), tuple(mixture))


def needs_sources(applied: Applied) -> bool:
    """Whether it is a transform of a mixture that is given the sources beside their sum."""
    kind = TRANSFORMS[applied.name]
    return issubclass(kind, MixtureTransform) and kind.needs_sources


def apply_transforms(
    samples: Samples, applied: Sequence[Applied], sample_rate: int, sources: Sequence[Samples] = ()
) -> Samples:
    """Sound after transforms, in their order.

    Parameters
    ----------
    samples : float32 array, shape (n,)
    applied : sequence of Applied
    sample_rate : int
        In Hz.
    sources : sequence of float32 array, shape (n,)
        For those that need them.

    Returns
    -------
    float32 array, shape (n,); the argument is left as it is
    """
    for one in applied:
        more = {"sources": sources} if needs_sources(one) else {}
        samples = TRANSFORMS[one.name].apply(samples, sample_rate, **one.parameters, **more)
    return samples
