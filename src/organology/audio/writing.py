"""Files of sound, written whole."""

from __future__ import annotations

import os

import numpy as np
import soundfile
from numpy.typing import NDArray

from organology.atomic import written_whole
from organology.errors import OrganologyError


def write_sound(
    path: str | os.PathLike[str], samples: NDArray[np.float32], sample_rate: int, subtype: str, form: str | None = None
) -> None:
    """Write samples as a file that is whole or not there.

    Parameters
    ----------
    path : path
    samples : float32 array, shape (frames,) or (frames, channels)
    sample_rate : int
        In Hz.
    subtype : str
        Of libsndfile, e.g. "PCM_16".
    form : str, optional
        Of libsndfile; default: as the name ends.

    Raises
    ------
    OrganologyError
        "PATH: cannot be written: reason" where libsndfile cannot write it: it does not say that a disk is full.
    OSError
        If the file cannot be made.
    """
    try:
        with written_whole(path) as temporary:
            soundfile.write(temporary, samples, sample_rate, format=form, subtype=subtype)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".").lower()
        raise OrganologyError(f"{os.fspath(path)}: cannot be written: {reason} (is the disk full?)") from error
