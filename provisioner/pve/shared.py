"""One request for all who ask for the same at the same moment: steps of an apply look at the same lists."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class SharedReads(Generic[Answer]):
    """Reads of one cluster. Safe to use from several threads.

    A path is asked for once at a time. Who asks while a request is under way waits for the next one, together
    with all others who do: an answer is never older than the question.
    """

    def __init__(self, ask: Callable[[str], Answer]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self._next: dict[str, Future[Answer]] = {}

    def get(self, path: str) -> Answer:
        """The answer for a path. Raises what asking raises, for all who share the request."""
        with self._lock:
            shared = self._next.get(path)
            mine = self._next.setdefault(path, Future())
            turn = self._turns.setdefault(path, threading.Lock())
        if shared is not None:
            return shared.result()
        with turn:
            with self._lock:
                del self._next[path]
            try:
                mine.set_result(self._ask(path))
            except BaseException as error:
                mine.set_exception(error)
                raise
        return mine.result()
