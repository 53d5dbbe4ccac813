"""Packages that organology works without, and how to install what is missing."""

from __future__ import annotations

from importlib.util import find_spec

_EXTRAS: dict[str, dict[str, str]] = {
    "plot": {"matplotlib": "matplotlib"},
    "jams": {"jams": "jams"},
    "pandas": {"pandas": "pandas"},
    "tags": {"mutagen": "mutagen"},
    "train": {
        "torch": "torch",
        "lightning": "lightning",
        "audiomentations": "audiomentations",
        "polars": "polars",
        "yaml": "pyyaml",
        "sklearn": "scikit-learn",
        "scipy": "scipy",
        "safetensors": "safetensors",
        "onnx": "onnx",
        "onnxscript": "onnxscript",
        "mido": "mido",
        "filelock": "filelock",
    },
    "serve": {
        "fastapi": "fastapi",
        "starlette": "fastapi",
        "uvicorn": "uvicorn",
        "python_multipart": "python-multipart",
        "prometheus_client": "prometheus-client",
    },
    "listen": {"sounddevice": "sounddevice"},
    "cluster": {
        "ray": "ray[data]",
        "pyarrow": "pyarrow",
        "fsspec": "fsspec",
        "s3fs": "s3fs",
        "duckdb": "duckdb",
    },
}
"""Extra -> the modules of its packages -> the packages."""


def require(*modules: str) -> None:
    """Check that modules are there which are imported only at the end of the work.

    Raises
    ------
    ModuleNotFoundError
        As an import would.
    """
    for module in modules:
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)


def install_hint(module: str) -> str | None:
    """How to get a module that is missing; None where it belongs to no extra.

    >>> install_hint("mutagen")
    "pip install mutagen, or in a clone of organology: pip install '.[tags]'"
    """
    for extra, packages in _EXTRAS.items():
        if module in packages:
            of_clone = f"in a clone of organology: pip install '.[{extra}]'"
            return f"pip install {packages[module]}, or {of_clone}" if len(packages) == 1 else of_clone
    return None
