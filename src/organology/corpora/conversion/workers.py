"""Songs prepared in several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from organology.corpora.conversion.records import Record, SongTask, folder_of, prepare_song, read_record
from organology.errors import CorpusError
from organology.leftovers import sweep

SongEngine = Callable[[Sequence[SongTask]], Generator[tuple[SongTask, Record], None, None]]
"""What prepares songs: from tasks to their records, as they are done."""


def known_records(tasks: Sequence[SongTask]) -> tuple[list[tuple[SongTask, Record]], list[SongTask]]:
    """The songs that have a record, with it, and those that are to be done, the largest first."""
    known, todo = [], []
    for song in tasks:
        record = read_record(song)
        if record is None:
            todo.append(song)
        else:
            known.append((song, record))
    return known, sorted(todo, key=lambda song: (-song.size, song.song))


def prepare_songs(tasks: Sequence[SongTask], jobs: int) -> Generator[tuple[SongTask, Record], None, None]:
    """Records of all songs: first those there are, then the others as they are done, the largest first.

    Parameters
    ----------
    tasks : sequence of SongTask
    jobs : int
        Processes; 1 does the work in this one.

    Raises
    ------
    CorpusError
        If audio cannot be written, or a process dies.
    """
    known, todo = known_records(tasks)
    yield from known
    if jobs <= 1 or len(todo) <= 1:
        for song in todo:
            yield song, prepare_song(song)
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(jobs, len(todo)), mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
    )
    ended_well = False
    try:
        futures = {pool.submit(prepare_song, song): song for song in todo}
        for future in as_completed(futures):
            yield futures[future], future.result()
        ended_well = True
    except BrokenProcessPool as error:
        raise CorpusError(
            f"{todo[0].out}: a worker process died (memory?); run again to go on, with fewer --jobs"
        ) from error
    except BaseException:  # stopped: nothing half done counts, so there is nothing to wait for
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for song in () if ended_well else todo:
            sweep(folder_of(song))  # what the workers were writing


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:  # a parent that is killed does not leave workers behind
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
