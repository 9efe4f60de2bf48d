"""Load on the lab's patient platform: numbered records at a set rate, and afterwards which of them exist.

A record is acknowledged when the application answers that it is there; the application answers after its
database has committed. Each number is sent once: what got no answer may or may not exist, and is told apart.
Load goes to this machine only: loopback and the networks of the lab.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from lab.errors import LabError, LabRefused
from lab.journal import ACKNOWLEDGED, REFUSED, UNANSWERED, Journal, Told, read

FASTEST, LONGEST = 200, 3600
"""Most writes a second, and most seconds, of one run."""
ANSWER_SECONDS = 5.0
PAGE = 1000
PORTS = {"http": 80, "https": 443}
NETWORKS = tuple(
    ipaddress.ip_network(net) for net in ("127.0.0.0/8", "::1/128", "10.84.0.0/16", "10.184.0.0/16")
)
"""Loopback and the two sites of the lab."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did: how many writes were acknowledged, refused and left without an answer."""

    run: str
    acknowledged: int
    refused: int
    unanswered: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which records of a run exist.

    `missing` were acknowledged and are not there: lost. `unacknowledged` are there, though no acknowledgement
    came back. `unknown_gone` got no answer and are not there.
    """

    run: str
    present: tuple[int, ...]
    missing: tuple[int, ...]
    unacknowledged: tuple[int, ...]
    unknown_gone: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether every acknowledged write exists."""
        return not self.missing


class Application:
    """The platform's API at a URL of the lab; HTTPS is verified against `ca`, else as the system does.

    Raises LabError for a URL that is none, LabRefused for one outside of the lab.
    """

    def __init__(self, url: str, ca: Path | None = None) -> None:
        self.url = url.rstrip("/")
        self._parts = _parsed(url)
        self._port = self._parts.port or PORTS[self._parts.scheme]
        self._address = _inside(str(self._parts.hostname), self._port)
        self._tls = _verifying(ca) if self._parts.scheme == "https" else None

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request, once: the status and the JSON document.

        Each on a connection of its own: one that a server had closed for idleness would look like a lost
        answer. Raises OSError or HTTPException without an answer.
        """
        connection = http.client.HTTPConnection(str(self._parts.hostname), self._port)
        sent = None if body is None else json.dumps(body)
        headers = {"Host": self._parts.netloc, "Content-Type": "application/json", "Connection": "close"}
        with closing(connection):
            connection.sock = self._socket()
            connection.request(method, self._parts.path.rstrip("/") + path, sent, headers)
            answer = connection.getresponse()
            return answer.status, _document(answer.read())

    def _socket(self) -> socket.socket:
        """A connection to the address that was found to be of the lab, whatever the name means by now."""
        plain = socket.create_connection((self._address, self._port), ANSWER_SECONDS)
        return self._tls.wrap_socket(plain, server_hostname=self._parts.hostname) if self._tls else plain


def load(url: str, rate: float, seconds: float, journal: Path, ca: Path | None = None) -> Outcome:
    """Write numbered records for so many seconds, `rate` of them a second, and journal what became of each.

    A slow answer delays the writes behind it; what the run falls behind is not caught up. Raises LabError if
    the application does not answer at the start, LabRefused beyond the limits, outside of the lab, or for a
    journal that is there already.
    """
    _bounded(rate, seconds)
    application = Application(url, ca)
    _greet(application)
    run = secrets.token_hex(6)
    counts = {ACKNOWLEDGED: 0, REFUSED: 0, UNANSWERED: 0}
    begun = time.monotonic()
    with Journal(journal, run, application.url) as book:
        for number in _paced(rate, seconds):
            outcome, why = _write(application, run, number)
            book.note(number, outcome, why)
            counts[outcome] += 1
    taken = time.monotonic() - begun
    return Outcome(run, counts[ACKNOWLEDGED], counts[REFUSED], counts[UNANSWERED], taken)


def verify(journal: Path, url: str | None = None, ca: Path | None = None) -> Verdict:
    """Compare a journal with the records that exist; `url` if they are to be looked for elsewhere.

    Raises LabError when either cannot be read: nothing is said of writes that were not looked for.
    """
    told = read(journal)
    application = Application(url or told.url, ca)
    try:
        existing = frozenset(_existing(application, told.run))
    except (OSError, http.client.HTTPException) as problem:
        raise _silent(application, problem) from problem
    return compare(told, existing)


def compare(told: Told, existing: frozenset[int]) -> Verdict:
    """What a journal says against what exists."""
    return Verdict(
        run=told.run,
        present=tuple(sorted(told.acknowledged & existing)),
        missing=tuple(sorted(told.acknowledged - existing)),
        unacknowledged=tuple(sorted(existing - told.acknowledged)),
        unknown_gone=tuple(sorted(told.unanswered - existing)),
    )


def spans(numbers: tuple[int, ...]) -> str:
    """Ascending numbers in few words: 1-3, 7."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def _paced(rate: float, seconds: float) -> Iterator[int]:
    """The numbers from 1, each when its turn has come, until the time is over."""
    due = begun = time.monotonic()
    number = 0
    end = begun + seconds - 1e-6  # sums of fractions are not exact
    while due < end:
        time.sleep(max(0.0, due - time.monotonic()))
        number += 1
        yield number
        due = max(due + 1 / rate, time.monotonic())


def _write(application: Application, run: str, number: int) -> tuple[str, str]:
    """Send one record; what became of it, and why if not acknowledged."""
    try:
        status, told = application.ask("POST", "/api/writes", {"run": run, "number": number})
    except ConnectionRefusedError:
        return REFUSED, "nobody listens"
    except (OSError, http.client.HTTPException) as problem:
        return UNANSWERED, str(problem) or type(problem).__name__
    if status in {HTTPStatus.OK, HTTPStatus.CREATED} and told == {"run": run, "number": number}:
        return ACKNOWLEDGED, ""
    # of what fails with 5xx nobody knows: a proxy may have passed it on, a commit may have lost its answer
    refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return (REFUSED if refused else UNANSWERED), f"HTTP {status}"


def _existing(application: Application, run: str) -> Iterator[int]:
    after = 0
    while True:
        status, told = application.ask("GET", f"/api/writes?run={run}&after={after}&limit={PAGE}")
        if status != HTTPStatus.OK or not isinstance(told, dict) or "writes" not in told:
            raise LabError(f"{application.url} does not tell its records: HTTP {status}.")
        numbers = [row["number"] for row in told["writes"]]
        yield from numbers
        if len(numbers) < PAGE:
            return
        after = numbers[-1]


def _greet(application: Application) -> None:
    try:
        status, told = application.ask("GET", "/api/health")
    except (OSError, http.client.HTTPException) as problem:
        raise _silent(application, problem) from problem
    if status != HTTPStatus.OK or not isinstance(told, dict) or "site" not in told:
        raise LabError(f"{application.url} is not a healthy patient platform: HTTP {status}.")


def _silent(application: Application, problem: Exception) -> LabError:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return LabError(
            f"{application.url} has a certificate that is not of this lab: {problem.verify_message}.",
            "Say whose lab it is: --dir FOLDER, or --ca FILE.",
        )
    return LabError(
        f"{application.url} does not answer: {problem or type(problem).__name__}.", "Is the lab up?"
    )


def _bounded(rate: float, seconds: float) -> None:
    if not (0 < rate <= FASTEST and 0 < seconds <= LONGEST):
        raise LabRefused(f"A run is at most {FASTEST} writes a second, for at most {LONGEST} seconds.")


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is none
    except ValueError as problem:
        raise LabError(f"{url} is not a URL: {problem}.") from problem
    if parts.scheme not in PORTS or not parts.hostname:
        raise LabError(f"{url} is not the URL of a patient platform.", "Say it like https://10.84.20.61")
    return parts


def _verifying(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as problem:  # ssl.SSLError is one
        raise LabError(
            f"{ca} holds no certificate to verify with: {problem.strerror or problem}."
        ) from problem


def _inside(host: str, port: int) -> str:
    """The address of a host, if all that its name means are of the lab."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as problem:
        raise LabError(f"{host} is not known: {problem.strerror}.") from problem
    addresses = [str(one[4][0]) for one in found]
    if any(all(ipaddress.ip_address(one) not in net for net in NETWORKS) for one in addresses):
        raise LabRefused(f"{host} is not of the lab: load goes to loopback and to the lab's sites only.")
    return addresses[0]


def _document(told: bytes) -> Any:
    try:
        return json.loads(told)
    except ValueError:
        return None
