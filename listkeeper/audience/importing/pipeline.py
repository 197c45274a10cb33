"""Two processes: one reads, judges and seals, one writes; a short queue between them keeps memory flat.

A large file gets a reader of its own, because sealing and writing each fill a
core. A small one is read in the same process: starting another takes longer.
The reader ends by itself when the writer is gone, however it went.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnContext
from typing import Any

from listkeeper.audience.importing import reader
from listkeeper.audience.importing.reader import Chunk, Task
from listkeeper.foundation import garbage, keys
from listkeeper.foundation.errors import Invalid, TryAgain

# Below this a reader of its own costs more than it brings.
LARGE = 4 << 20
# A chunk of rows ahead, and a little more: enough to go on while the writer waits for the disk.
_WAITING_PIECES = 20
_LOOK_AGAIN_SECONDS = 1.0
_PIECE, _CHUNK, _REFUSED, _BROKEN, _END = "piece", "chunk", "refused", "broken", "end"


@contextmanager
def stream(task: Task, *, apart: bool | None = None) -> Iterator[Iterator[Chunk]]:
    """Yield the chunks of a file, read ahead by a process of its own when it is large (or ``apart`` says so)."""
    size = sum(planned.part.file.stat().st_size for planned in task.plan.parts)
    if not (size >= LARGE if apart is None else apart):
        yield reader.chunks(task)
        return
    # Neither a fork (threads, and open connections of the writer) nor a thread (one lock for all of Python).
    context = multiprocessing.get_context("spawn")
    waiting: Any = context.Queue(_WAITING_PIECES)
    process = _started(context, task, waiting)
    try:
        yield reader.gathered(_received(process, waiting))
    finally:
        process.terminate()
        process.join()
        waiting.close()
        process.close()


def _started(context: SpawnContext, task: Task, waiting: Any) -> Any:  # noqa: ANN401 - a queue and a process of a context
    process = context.Process(
        target=_read, args=(task, keys.handed_over(), waiting, os.getpid()), name="import-reader", daemon=True
    )
    process.start()
    return process


def _read(task: Task, masters: tuple[bytes, ...], waiting: Any, writer: int) -> None:  # noqa: ANN401
    """Work through the file in a process of its own."""
    keys.take_over(masters)
    try:
        with garbage.undisturbed() as tidy:
            _read_on(task, waiting, writer, tidy)
        _put(waiting, (_END, None, 0, ()), writer)
    except Invalid as problem:
        _put(waiting, (_REFUSED, problem.code, 0, problem.message), writer)
    except Exception as problem:  # noqa: BLE001 - it must be told to the writer, whatever it is
        _put(waiting, (_BROKEN, type(problem).__name__, 0, ""), writer)


def _read_on(task: Task, waiting: Any, writer: int, tidy: Callable[[], object]) -> None:  # noqa: ANN401
    for found in reader.pieces(task):
        if isinstance(found, bytes):
            message: tuple[object, ...] = (_PIECE, None, 0, found)
        else:
            message = (_CHUNK, found.at, found.part, b"")
            tidy()
        if not _put(waiting, message, writer):
            return


def _put(waiting: Any, message: tuple[object, ...], writer: int) -> bool:  # noqa: ANN401
    """Hand something to the writer; False when it is gone."""
    while os.getppid() == writer:
        try:
            waiting.put(message, timeout=_LOOK_AGAIN_SECONDS)
        except queue.Full:
            continue
        return True
    waiting.cancel_join_thread()
    return False


def _received(process: Any, waiting: Any) -> Iterator[bytes | Chunk]:  # noqa: ANN401
    while True:
        try:
            kind, at, part, rows = waiting.get(timeout=_LOOK_AGAIN_SECONDS)
        except queue.Empty:
            if not process.is_alive():
                raise _lost("") from None
            continue
        if kind == _PIECE:
            yield rows
        elif kind == _CHUNK:
            yield Chunk(at, part, [])
        elif kind == _REFUSED:
            raise Invalid(at, rows)
        elif kind == _BROKEN:
            raise _lost(at)
        else:
            return


def _lost(kind: str) -> TryAgain:
    told = f" ({kind})" if kind else ""
    return TryAgain("import_reader_lost", f"Reading the file stopped{told}. What was loaded is kept; go on to finish.")
