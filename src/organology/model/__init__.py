"""Networks: waveform (batch, samples) in, logits (batch, labels) out.

`InstrumentNet` is front end, backbone and head of one `ModelConfig`. `save_checkpoint` and `load_checkpoint` keep
it with its `metadata.ModelMetadata` in a folder, `export_onnx` writes it as one file for onnxruntime, `import_onnx`
reads such a file back.
`AudioSetTagger` is the published tagger from whose weights a transfer starts.
"""

from organology.model.average import average_checkpoints
from organology.model.backbones.mobilenet import MobileNet
from organology.model.backbones.short_chunk import ShortChunk
from organology.model.checkpoint import load_checkpoint, save_checkpoint
from organology.model.export.exporter import ExportReport, export_onnx
from organology.model.frontend import EFFICIENTAT, PAPER, FrontendConfig, MelFrontend
from organology.model.imported import has_folded_norms, import_onnx
from organology.model.network import InstrumentNet, ModelConfig
from organology.model.taggers.audioset import AudioSetClassifier, AudioSetTagger, ZeroShot

__all__ = [
    "EFFICIENTAT",
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
