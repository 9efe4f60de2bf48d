"""Reads that are shared: fewer requests, and no answer older than its question."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from provisioner.pve.shared import SharedReads


class Slow:
    """Answers with the number of the request, when it is let; tells when the first has begun."""

    def __init__(self):
        self.asked = []
        self.begun, self.let = threading.Event(), threading.Event()

    def __call__(self, path):
        self.asked.append(path)
        number = len(self.asked)
        self.begun.set()
        assert self.let.wait(10)
        if path == "/broken":
            raise OSError(path)
        return number


def test_who_asks_during_a_request_gets_the_answer_of_a_later_one():
    slow = Slow()
    reads = SharedReads(slow)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(reads.get, "/pools")
        assert slow.begun.wait(10)
        later = [pool.submit(reads.get, "/pools") for _ in range(5)]
        slow.let.set()
        assert first.result() == 1
        assert all(one.result() > 1 for one in later)


def test_paths_do_not_wait_for_each_other_and_nothing_is_kept():
    reads = SharedReads(lambda path: [path])
    assert reads.get("/pools") == ["/pools"]
    assert reads.get("/pools") is not reads.get("/pools")
    assert reads.get("/storage") == ["/storage"]


def test_a_request_that_fails_fails_for_all_who_share_it_and_not_for_the_next():
    slow = Slow()
    reads = SharedReads(slow)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(reads.get, "/broken") for _ in range(3)]
        slow.let.set()
        for one in asked:
            with pytest.raises(OSError, match="/broken"):
                one.result()
    assert reads.get("/pools")
