"""onnxruntime without its telemetry: import it from here, and nowhere else.

Builds of 1.29 and later look up a host of Microsoft, and write an event database and a device id into the user's cache,
unless this variable is set before the library is loaded; `disable_telemetry_events()` comes too late for that.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
