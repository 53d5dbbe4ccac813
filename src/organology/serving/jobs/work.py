"""Recognizing one upload within its limits."""

from __future__ import annotations

import time
from dataclasses import replace

from organology import audio
from organology.errors import AudioError, OrganologyError
from organology.recognition.recognizer import Recognizer
from organology.recognition.result import Recognition
from organology.serving.jobs.job import Job
from organology.serving.problems import Problem
from organology.serving.settings import Limits


class CancelledError(Exception):
    """Ends a job that nobody wants any more."""


def recognize(job: Job, recognizer: Recognizer, limits: Limits) -> Recognition:
    """Recognize the upload of a job.

    Raises
    ------
    Problem
        415 if it is not audio that can be decoded, 413 if it is too long, 504 if it takes too long.
    CancelledError
        If the job was cancelled.
    """
    try:
        with audio.decode(job.upload) as stream:
            _check_duration(stream.frames or 0, stream.sample_rate, limits)

            def progress(share: float) -> None:
                if job.cancelled.is_set():
                    raise CancelledError
                if job.deadline is not None and time.monotonic() > job.deadline:
                    raise too_slow(limits)
                _check_duration(stream.frames_read, stream.sample_rate, limits)
                job.progress = share

            found = recognizer.recognize(stream, job.hop_seconds, progress=progress)
    except AudioError as error:
        raise Problem(415, f"{job.name}: {_reason(error, job)}") from error
    except OrganologyError as error:
        raise Problem(500, f"{job.name}: {_reason(error, job)}") from error
    return replace(found, source=job.name)


def too_slow(limits: Limits) -> Problem:
    """The problem of a job past its deadline."""
    return Problem(504, f"recognition took longer than {limits.job_seconds:g} s")


def _check_duration(frames: int, sample_rate: int, limits: Limits) -> None:
    if frames > limits.duration_seconds * sample_rate:
        raise Problem(413, f"longer than the {limits.duration_seconds:g} s that this server takes")


def _reason(error: OrganologyError, job: Job) -> str:
    # The text names the upload's file, which is nobody's business.
    path = str(job.upload)
    return str(error).removeprefix(f"{path}: ").replace(path, job.name)
