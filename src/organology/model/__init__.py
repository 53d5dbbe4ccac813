"""Networks: waveform (batch, samples) in, logits (batch, labels) out.

`InstrumentNet` is front end, backbone and head of one `ModelConfig`. `save_checkpoint` and `load_checkpoint` keep
it with its `model_metadata.ModelMetadata` in a folder, `export_onnx` writes it as one file for onnxruntime,
`import_onnx` reads such a file back. `AudioSetTagger` is the published tagger from whose weights a transfer starts.

Names are imported when they are asked for: configurations are read without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from organology.model.average import average_checkpoints
    from organology.model.backbones import BACKBONES
    from organology.model.backbones.mobilenet import MobileNet
    from organology.model.backbones.short_chunk import ShortChunk
    from organology.model.checkpoint import load_checkpoint, save_checkpoint
    from organology.model.config import EFFICIENTAT, PAPER, FrontendConfig, ModelConfig
    from organology.model.export.exporter import ExportReport, export_onnx
    from organology.model.frontend import MelFrontend
    from organology.model.heads import HEADS
    from organology.model.imported import has_folded_norms, import_onnx
    from organology.model.network import InstrumentNet
    from organology.model.taggers.audioset import AudioSetClassifier, AudioSetTagger, ZeroShot

_MODULES = {
    "average": ("average_checkpoints",),
    "backbones": ("BACKBONES",),
    "backbones.mobilenet": ("MobileNet",),
    "backbones.short_chunk": ("ShortChunk",),
    "checkpoint": ("load_checkpoint", "save_checkpoint"),
    "config": ("EFFICIENTAT", "PAPER", "FrontendConfig", "ModelConfig"),
    "export.exporter": ("ExportReport", "export_onnx"),
    "frontend": ("MelFrontend",),
    "heads": ("HEADS",),
    "imported": ("has_folded_norms", "import_onnx"),
    "network": ("InstrumentNet",),
    "taggers.audioset": ("AudioSetClassifier", "AudioSetTagger", "ZeroShot"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "BACKBONES",
    "EFFICIENTAT",
    "HEADS",
    "PAPER",
    "AudioSetClassifier",
    "AudioSetTagger",
    "ExportReport",
    "FrontendConfig",
    "InstrumentNet",
    "MelFrontend",
    "MobileNet",
    "ModelConfig",
    "ShortChunk",
    "ZeroShot",
    "average_checkpoints",
    "export_onnx",
    "has_folded_norms",
    "import_onnx",
    "load_checkpoint",
    "save_checkpoint",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
