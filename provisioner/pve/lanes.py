"""How many calls may be under way at once for what they share: a storage, a node, a lock of the cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

AT_ONCE_ON_A_STORAGE = 2
"""Allocations on one storage wait for its lock, 10 s at most (PVE/Storage.pm): of three clones, one fails."""
AT_ONCE_ON_A_NODE = 4
"""What Proxmox VE itself runs at once in its bulk actions (`max_workers` of datacenter.cfg)."""
AT_ONCE_OTHERWISE = 1
"""A file of the cluster is written under its cfs lock by one call at a time; more would only wait there."""


class Lanes:
    """The lanes of one site. Safe to use from several threads."""

    def __init__(self) -> None:
        self._places: dict[str, threading.Semaphore] = {}
        self._lock = threading.Lock()

    @contextmanager
    def held(self, lanes: Iterable[str]) -> Iterator[None]:
        """A place in each of these lanes for the length of the block.

        They are taken in sorted order everywhere, so that no two threads can wait for each other.
        """
        with ExitStack() as stack:
            for lane in sorted(set(lanes)):
                stack.enter_context(self._place(lane))
            yield

    def _place(self, lane: str) -> threading.Semaphore:
        with self._lock:
            if lane not in self._places:
                self._places[lane] = threading.Semaphore(limit(lane))
            return self._places[lane]


def limit(lane: str) -> int:
    """How many calls a lane takes at once, by what stands before the colon of its name."""
    limits = {"storage": AT_ONCE_ON_A_STORAGE, "node": AT_ONCE_ON_A_NODE}
    return limits.get(lane.partition(":")[0], AT_ONCE_OTHERWISE)
