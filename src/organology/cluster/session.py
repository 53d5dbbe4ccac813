"""Starting Ray on this machine, or joining a cluster."""

from __future__ import annotations

import logging
import os
from typing import Any

import ray

from organology.errors import OrganologyError, one_line

ATTEMPTS = 2
"""To start Ray on this machine, which a busy one may not do within the seconds that Ray waits."""


def join(address: str | None, cores: int) -> None:
    """Start Ray on this machine with so many cores, or join a cluster.

    Raises
    ------
    OrganologyError
        "ADDRESS: Ray cannot be used: reason".
    """
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if ray.is_initialized():
        return
    options: dict[str, Any] = {"address": address}
    if address is None:
        options = {"address": "local", "num_cpus": cores, "include_dashboard": False}
    for attempt in range(ATTEMPTS):
        try:
            ray.init(logging_level=logging.ERROR, log_to_driver=False, **options)
            return
        except Exception as error:  # Ray raises a bare one where its processes take longer than it waits for them
            ray.shutdown()
            if attempt + 1 == ATTEMPTS or address is not None:
                where = address or "this machine"
                raise OrganologyError(f"{where}: Ray cannot be used: {one_line(error)}") from error


def cluster_cores() -> int:
    """Cores of all machines of the cluster; 1 at the least."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def last_line(error: Exception) -> str:
    """The last line of an error of Ray, which says what went wrong in the worker."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[-1].split()) if lines else type(error).__name__
