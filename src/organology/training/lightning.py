"""Lightning without a trace: import it from here, and nowhere else.

It brings torchmetrics, which imports matplotlib where that is installed: without `import_matplotlib` before it, that
leaves a list of fonts in the user's home.
"""

from __future__ import annotations

from contextlib import suppress

from organology.traceless import import_matplotlib

with suppress(ImportError):
    import_matplotlib()

import lightning as L
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.layer_sync import LayerSync
from lightning.pytorch.strategies import DDPStrategy

__all__ = ["DDPStrategy", "L", "LayerSync", "TensorBoardLogger", "WeightAveraging"]
