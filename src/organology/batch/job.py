"""Recognizing many files at once, as `organology recognize` does: find, recognize, write, say what failed."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from organology import audio
from organology.audio.inputs import Input, Inputs, expand
from organology.batch.executor import Batch
from organology.batch.options import Job
from organology.batch.progress import ProgressReporter
from organology.batch.work import Decisions, Work, is_picture
from organology.errors import OrganologyError, StoppedError
from organology.leftovers import sweep_once
from organology.library.store import Store
from organology.outputs.paths import OutputPaths
from organology.outputs.registry import Writer, WriterOptions, format_of, open_writer
from organology.outputs.sinks import output_path
from organology.recognition.onnx_model import available_cores
from organology.recognition.recognizer import Recognizer
from organology.targets import check_output, with_companions
from organology.traceless import import_matplotlib

__all__ = ["Job", "run", "with_format"]


def with_format(job: Job) -> Job:
    """The job with `-` as standard output, and with the format that its output asks for, if none is given.

    Raises
    ------
    OrganologyError
        If the name of the output asks for no format.
    """
    output = output_path(job.output)
    return replace(job, output=output, format=job.format or format_of(output))


def run(job: Job, found: Inputs | None = None) -> int:
    """Do a job.

    Every input that cannot be used costs one line on standard error, "PATH: reason"; the rest goes on.

    Parameters
    ----------
    job : Job
    found : Inputs, optional
        What to recognize; left out, what the job's paths and lists name.

    Returns
    -------
    int
        How many inputs could not be used, or written.

    Raises
    ------
    ModelError
        If the model cannot be used.
    StoreError
        If the store cannot be used.
    OptionError
        If an option does not fit the model.
    OrganologyError
        If something cannot be written, would be written over an input, or `plot` names one picture for several files.
    StoppedError
        If the user stops it (Ctrl-C); says what was done.
    """
    reporter: ProgressReporter | None = None
    n_files = 0
    job = with_format(job)
    try:
        if found is None:
            found = expand(job.paths, job.lists, null=job.null, recursive=job.recursive, hidden=job.hidden)
        n_files = len(found.files)
        names = OutputPaths(found.files, job.split, also_read=_read_by(job))
        _check(job, names)
        with ExitStack() as stack:
            batch = _batch(job, n_files, stack) if found.files else None
            decisions = None if batch is None else Decisions.of(job, batch.recognizer)
            writer = stack.enter_context(_writer(job, batch, decisions, names))
            reporter = ProgressReporter(
                [item.size for item in found.files],
                shares_stdout=job.output is None,
                quiet=job.quiet,
                length_of=lambda index: _length_of(found.files[index]),
            )
            stack.enter_context(reporter)
            if batch is not None and batch.recognizer.missing:
                missing = ", ".join(batch.recognizer.missing)
                reporter.note(f"{batch.recognizer.label_set.name}: this model cannot tell {missing}")
            for name, reason in found.failures:
                reporter.line(f"{name}: {reason}")
                writer.fail(name, reason)
            if batch is None or decisions is None:
                return len(found.failures)
            return len(found.failures) + Work(job, batch, decisions, names, writer, reporter).do(found.files)
    except KeyboardInterrupt:
        raise StoppedError(_stopped(job, reporter.n_done if reporter else 0, n_files)) from None


def _read_by(job: Job) -> list[str]:
    """What the job reads besides the recordings: lists, playlists, the store, the model."""
    listed = [path.removeprefix("@") for path in (*job.paths, *job.lists)]
    return [*listed, *with_companions(job.store_file), *([] if job.model is None else [str(job.model)])]


def _check(job: Job, names: OutputPaths) -> None:
    """Refuse before the work what could not be done after it."""
    if job.write_tags:
        import mutagen  # noqa: F401  # missing?
    if job.plot is not None:
        import_matplotlib()  # missing?
    for output in (job.output, job.plot):
        if output is None:
            continue
        if names.holds(output) and not output.is_dir():
            raise OrganologyError(f"{output}: this is one of the inputs, and is not written over")
        is_folder = output.is_dir() or (output is job.plot and not is_picture(output))
        if output.is_dir():
            sweep_once(output)
        check_output(output, [*with_companions(job.store_file), job.model], folder=is_folder)
    if job.plot is not None and is_picture(job.plot) and names.many:
        raise OrganologyError(f"{job.plot}: one picture for several recordings; name a folder")


def _length_of(item: Input) -> float:
    """Seconds of audio in a file as far as its header says it, else 0."""
    if item.file is not None:
        return 0.0
    try:
        with audio.decode(item.source) as stream:
            return stream.frames / stream.sample_rate if stream.frames else 0.0
    except (OrganologyError, OSError, ValueError):
        return 0.0


def _batch(job: Job, n_files: int, stack: ExitStack) -> Batch:
    threads = job.threads or available_cores()
    jobs = max(1, min(job.jobs or threads, n_files))
    recognizer = Recognizer(job.model, max(1, threads // jobs), job.labels, job.device)
    hop = recognizer.metadata.hop_seconds if job.hop_seconds is None else job.hop_seconds
    if job.store_file is None:
        return Batch(recognizer, hop, job.split, jobs)
    store = stack.enter_context(Store(job.store_file))
    run = store.run(recognizer.digest, recognizer.model, recognizer.metadata, hop)
    return Batch(recognizer, hop, job.split, jobs, store, run, job.retry)


def _stopped(job: Job, n_done: int, n_files: int) -> str:
    if job.store is None:
        return f"stopped: {n_done} of {n_files} files were done; with --store FILE such a run can be taken up again"
    return f"stopped: {n_done} of {n_files} files are done; the same command goes on from there ({job.store})"


def _writer(
    job: Job, batch: Batch | None, decisions: Decisions | None, names: OutputPaths
) -> AbstractContextManager[Writer]:
    about = {} if batch is None else {**_about(batch.recognizer), "hop_seconds": batch.hop_seconds}
    options = WriterOptions(timeline=job.timeline, per_label=job.per_label, embed_audio=job.embed_audio)
    if batch is not None and decisions is not None:
        options = replace(options, labels=decisions.labels or (), label_set=batch.recognizer.label_set)
    return open_writer(job.format or "table", job.output, options, about, names)


def _about(recognizer: Recognizer) -> dict[str, object]:
    metadata = recognizer.metadata
    return {
        "name": recognizer.model,
        "sample_rate": metadata.sample_rate,
        "window_seconds": metadata.window_seconds,
        "pooling": metadata.pooling,
    }
