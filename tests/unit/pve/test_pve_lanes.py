"""Lanes limit what runs at once, and never lock each other up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from provisioner.pve.lanes import Lanes


@pytest.mark.parametrize(
    ("lane", "places"), [("storage:vmdata", 2), ("node:ventoux-1", 4), ("file-user_cfg", 1)]
)
def test_a_lane_takes_so_many_and_no_more(lane, places):
    lanes, inside, leave = Lanes(), threading.Semaphore(0), threading.Event()

    def call() -> None:
        with lanes.held((lane,)):
            inside.release()
            leave.wait(10)

    with ThreadPoolExecutor(places + 1) as pool:
        for _ in range(places + 1):
            pool.submit(call)
        assert all(inside.acquire(timeout=10) for _ in range(places))
        assert not inside.acquire(timeout=0.1)
        leave.set()
        assert inside.acquire(timeout=10)


def test_a_lane_named_twice_is_taken_once():
    with Lanes().held(("file-user_cfg", "file-user_cfg")):
        pass


def test_a_place_is_free_again_after_an_error():
    lanes = Lanes()
    for _ in range(3):
        with pytest.raises(RuntimeError), lanes.held(("file-user_cfg", "storage:a")):
            raise RuntimeError


def test_calls_with_several_lanes_in_any_order_all_come_to_their_end():
    lanes, names = Lanes(), ("a", "b", "storage:d", "node:e")
    wanted = [*permutations(names, 3), *permutations(names, 2), *permutations(names)] * 5

    def call(some: tuple[str, ...]) -> None:
        with lanes.held(some):
            pass

    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(call, some) for some in wanted]:
            done.result(timeout=30)
