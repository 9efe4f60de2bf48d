"""Which endpoint of a cluster to ask: stay with one that answers, and leave dead ones alone for a while."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable

log = logging.getLogger(__name__)


class Endpoints:
    """The endpoints of one cluster in the order in which to try them. Safe to use from several threads."""

    def __init__(self, urls: Iterable[str], aside_seconds: float) -> None:
        self._urls = tuple(urls)
        self._aside_seconds = aside_seconds
        self._preferred = self._urls[0]
        self._aside: dict[str, float] = {}
        self._lock = threading.Lock()

    def order(self) -> tuple[str, ...]:
        """All endpoints: the one that answered last, others, and last those set aside, longest ago first."""
        if not self._aside:
            return self._preferred, *(url for url in self._urls if url != self._preferred)
        with self._lock:
            now = time.monotonic()
            since = {url: at for url, at in self._aside.items() if now - at < self._aside_seconds}
            return tuple(sorted(self._urls, key=lambda url: (since.get(url, 0.0), url != self._preferred)))

    def answered(self, url: str) -> None:
        """Stay with this endpoint."""
        if url == self._preferred and url not in self._aside:
            return
        with self._lock:
            self._preferred = url
            self._aside.pop(url, None)

    def failed(self, url: str, why: str) -> None:
        """Set an endpoint aside."""
        with self._lock:
            new = url not in self._aside
            self._aside[url] = time.monotonic()
        if new and len(self._urls) > 1:
            log.warning("%s is set aside: %s", url, why)
