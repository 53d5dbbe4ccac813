"""onnxruntime without its telemetry: import it from here, and nowhere else.

A variable that this package sets when it is imported switches it off; `disable_telemetry_events()` comes too late.
"""

from __future__ import annotations

import onnxruntime

__all__ = ["onnxruntime"]
