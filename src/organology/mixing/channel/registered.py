"""The transforms that there are, in the order in which they are applied. A new one is a file and a line here."""

from __future__ import annotations

from organology.mixing.channel.amplifier import Amplifier
from organology.mixing.channel.band import Band
from organology.mixing.channel.base import Transform
from organology.mixing.channel.codec import Codec
from organology.mixing.channel.compressor import Compressor
from organology.mixing.channel.equalizer import Equalizer
from organology.mixing.channel.loudness import Loudness
from organology.mixing.channel.microphone import Microphone
from organology.mixing.channel.noise import Noise
from organology.mixing.channel.room import Room
from organology.mixing.channel.saturation import Saturation
from organology.mixing.registry import Registry, RegistryConfig

TRANSFORMS: Registry[Transform] = Registry("transform")
for _transform in (
    Amplifier, Room, Equalizer, Compressor, Saturation, Microphone, Noise, Band, Loudness, Codec,
):  # fmt: skip
    TRANSFORMS.register(_transform)


class ChannelConfig(RegistryConfig[Transform]):
    """The way from the band to the file, in the order in which it is applied; all off by default.

    `amp` acts on sources before they are added up and judged; the others on the mixture, after its labels are set.
    None of it is in the paper.
    """

    registry = TRANSFORMS
