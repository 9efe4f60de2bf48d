"""The floor: the same requests by as many threads, with nothing but `requests`, and nothing done with them.

`python -m bench.floor reads|writes LAB RECORDING` prints what they took. TLS is verified.
A write waits for the task of the one before it only if both are about the same guest. It keeps to our
lanes, for Proxmox VE refuses what is more than its locks bear.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from bench.recording import Asked, load
from lab.running import RunningLab, SiteAccess
from provisioner.pve.lanes import Lanes
from provisioner.pve.read import WORKERS as READERS
from provisioner.workflows.apply import WORKERS as WRITERS

TIMEOUT_SECONDS = 120
PAUSE_SECONDS = 0.1
"""Between two looks at a task, as our first."""


class Bare:
    """One thread's connections."""

    def __init__(self, lab: RunningLab) -> None:
        self._sites = lab.sites
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = lab.cafile

    def ask(self, one: Asked) -> requests.Response:
        """Send a request and read the answer to its end. Raises requests.HTTPError unless it is good."""
        site: SiteAccess = self._sites[one.site]
        answer = self._session.request(
            one.method,
            f"{site.urls[0]}/api2/json{one.path}",
            data=dict(one.form) or None,
            headers=site.token_header,
            timeout=TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
        return answer

    def wait(self, site: str, upid: Any) -> None:
        """Wait for a task, if it is one."""
        if not (isinstance(upid, str) and upid.startswith("UPID:")):
            return
        look = Asked(site, "GET", f"/nodes/{upid.split(':')[1]}/tasks/{quote(upid)}/status")
        while self.ask(look).json()["data"]["status"] != "stopped":
            time.sleep(PAUSE_SECONDS)


def reads(lab: RunningLab, asked: list[Asked]) -> None:
    """All GETs, the sites side by side."""

    def of_site(name: str) -> None:
        mine = [one for one in asked if one.site == name]
        _side_by_side(READERS, mine, lambda bare, one: bare.ask(one), lab)

    with ThreadPoolExecutor(len(lab.sites)) as pool:
        list(pool.map(of_site, lab.sites))


def writes(lab: RunningLab, asked: list[Asked]) -> None:
    """First what is no guest's, in order; then the guests side by side, each one's writes in order."""
    bare = Bare(lab)
    for one in asked:
        if not one.is_of_a_guest:
            bare.ask(one)
    lanes = {name: Lanes() for name in lab.sites}
    queues: dict[tuple[str, str], list[Asked]] = {}
    for one in asked:
        if one.is_of_a_guest:
            queues.setdefault((one.site, one.object), []).append(one)

    def in_order(bare: Bare, queue: list[Asked]) -> None:
        for one in queue:
            with lanes[one.site].held(one.lanes):
                upid = bare.ask(one).json()["data"]
                if one is not queue[-1]:
                    bare.wait(one.site, upid)

    _side_by_side(WRITERS, list(queues.values()), in_order, lab)


def _side_by_side(threads: int, items: list[Any], act: Callable[[Bare, Any], Any], lab: RunningLab) -> None:
    left, lock = iter(items), threading.Lock()

    def work() -> None:
        bare = Bare(lab)
        while (one := _next(left, lock)) is not None:
            act(bare, one)

    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(work) for _ in range(threads)]:
            future.result()


def _next(left: Iterable[Any], lock: threading.Lock) -> Any:
    with lock:
        return next(left, None)  # type: ignore[call-overload]  # an iterator


def main(job: str, folder: str, recording: str) -> None:
    """Do one job and print its cost."""
    lab, asked = RunningLab.at(Path(folder)), load(Path(recording))
    wall, cpu = time.monotonic(), time.process_time()
    (reads if job == "reads" else writes)(lab, asked)
    cost = {"seconds": time.monotonic() - wall, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps({**cost, "requests": len(asked)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
