"""Work done in threads, its results in the order of the items."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ordered_map(
    work: Callable[[T], R],
    items: Iterable[T],
    threads: int,
    *,
    size: Callable[[R], int] | None = None,
    most_held: int = 0,
    stopped: threading.Event | None = None,
) -> Generator[tuple[T, R], None, None]:
    """Do work on items in threads, as its results are asked for.

    Parameters
    ----------
    work : callable
        Takes an item. What it raises is raised here.
    items : iterable
        Taken in the caller's thread, as they are needed; it may be endless.
    threads : int
        With 0 the work is done in the caller's thread, one item at a time.
    size : callable, optional
        Of a result. With it, results that wait for an earlier one do not idle the threads until their sizes add up to
        `most_held`. Without it, at most twice as many items as threads are begun and not yet given.
    most_held : int
    stopped : threading.Event, optional
        Set when the caller leaves before the end, so that work which looks at it can end early.

    Yields
    ------
    (item, result)
        In the order of the items.
    """
    if threads <= 0:
        for item in items:
            yield item, work(item)
        return
    waiting = iter(items)
    pending: deque[tuple[T, Future[R]]] = deque()
    running: set[Future[R]] = set()
    held = 0

    def has_room() -> bool:
        return len(running) < 2 * threads and (len(pending) < 2 * threads if size is None else held < most_held)

    with ThreadPoolExecutor(threads) as executor:
        try:
            exhausted = False
            while True:
                while not exhausted and has_room():
                    try:
                        item = next(waiting)
                    except StopIteration:
                        exhausted = True
                        break
                    future = executor.submit(work, item)
                    pending.append((item, future))
                    running.add(future)
                if not pending:
                    return
                if not pending[0][1].done():
                    wait(running, return_when=FIRST_COMPLETED)
                done = {future for future in running if future.done()}
                running -= done
                if size is not None:
                    held += sum(size(future.result()) for future in done)
                if pending[0][1].done():
                    first, future = pending.popleft()
                    result = future.result()
                    if size is not None:
                        held -= size(result)
                    yield first, result
        finally:  # also where the caller stops in the middle
            if stopped is not None:
                stopped.set()
            executor.shutdown(cancel_futures=True)
