"""Where a model runs: the processor, or an accelerator that the installed onnxruntime can use.

A new device is one entry of `DEVICES`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from organology.errors import OptionError


@dataclass(frozen=True)
class Device:
    """An accelerator, as onnxruntime knows it.

    Attributes
    ----------
    provider : str
        Name of the execution provider.
    package : str
        What to install for it.
    options : dict
        Of the provider; they keep scores within 1e-3 of the processor's.
    system : str
        The only operating system that has it; "" where that does not matter.
    is_automatic : bool
        Whether `auto` takes it where it is available.
    """

    provider: str
    package: str
    options: dict[str, Any] = field(default_factory=dict)
    system: str = ""
    is_automatic: bool = False


_CPU = "CPUExecutionProvider"

DEVICES = {
    "cpu": Device(_CPU, "onnxruntime"),
    "cuda": Device("CUDAExecutionProvider", "onnxruntime-gpu", {"use_tf32": "0"}, is_automatic=True),
    "coreml": Device("CoreMLExecutionProvider", "onnxruntime", {"ModelFormat": "MLProgram"}, system="macOS"),
    "directml": Device("DmlExecutionProvider", "onnxruntime-directml", system="Windows", is_automatic=True),
    "openvino": Device("OpenVINOExecutionProvider", "onnxruntime-openvino", {"precision": "FP32"}),
}
"""By the name that `--device` takes."""

AUTO = "auto"
DEVICE_NAMES = (AUTO, *DEVICES)


def providers(device: str, available: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """The execution providers to ask onnxruntime for, the first one first.

    Parameters
    ----------
    device : str
        One of `DEVICE_NAMES`. `auto` is CUDA or DirectML where the installed onnxruntime has it, else the processor.
    available : list of str
        Providers of the installed onnxruntime.

    Raises
    ------
    OptionError
        If there is no such device, or onnxruntime lacks its provider; says what to install.

    Examples
    --------
    >>> providers("auto", ["CPUExecutionProvider"])
    [('CPUExecutionProvider', {})]
    """
    if device != AUTO and device not in DEVICES:
        raise OptionError("--device", f"must be {', '.join(DEVICE_NAMES)}, got {device!r}")
    processor = (_CPU, dict[str, Any]())
    if device == AUTO:
        found = [one for one in DEVICES.values() if one.is_automatic and one.provider in available]
        return [*((one.provider, dict(one.options)) for one in found[:1]), processor]
    chosen = DEVICES[device]
    if chosen.provider not in available:
        where = f" (on {chosen.system} only)" if chosen.system else ""
        how = f"pip install {chosen.package}{where}, in place of this one"
        raise OptionError("--device", f"this onnxruntime has no {chosen.provider}; {how}")
    return [processor] if chosen.provider == _CPU else [(chosen.provider, dict(chosen.options)), processor]


def check_device(device: str, used: list[str]) -> None:
    """Check that a session runs where it was asked to.

    Parameters
    ----------
    device : str
    used : list of str
        Providers of the session: onnxruntime leaves out one that does not start.

    Raises
    ------
    OptionError
        If it runs on the processor instead.
    """
    if device not in (AUTO, "cpu") and DEVICES[device].provider not in used:
        raise OptionError("--device", f"{DEVICES[device].provider} does not start here: no such device, or no driver")
