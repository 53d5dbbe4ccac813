"""Networks: waveform in, logits out."""

from organology.model.audioset import AudioSetClassifier, AudioSetTagger, ZeroShot
from organology.model.frontend import EFFICIENTAT, PAPER, FrontendConfig, MelFrontend
from organology.model.mobilenet import MobileNet

__all__ = [
    "EFFICIENTAT",
    "PAPER",
    "AudioSetClassifier",
    "AudioSetTagger",
    "FrontendConfig",
    "MelFrontend",
    "MobileNet",
    "ZeroShot",
]
