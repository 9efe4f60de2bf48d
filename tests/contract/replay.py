"""Ask a lab what was asked of the real cluster: in the same order, by the same users, with the same faults.

What the real cluster made up (UPIDs, digests, secrets of tokens, names of backups) is replaced by what the
lab made up at the same place; a digest that was stale then is stale now.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import requests
import yaml
from corpus import UPID, VOLATILE, Difference, Observed, differences, parsed

from lab.running import RunningLab, SiteAccess

STRETCHES = Path(__file__).with_name("stretches.yml")
ROOT = "root@pam"
UPIDS = re.compile(UPID)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the corpus that makes its own objects.

    `before` are sequence numbers, or whole requests, that set the scene unseen. `users` says who asks from a
    sequence number on, `faults` what breaks at one.
    """

    name: str
    seqs: tuple[int, ...]
    before: tuple[Any, ...] = ()
    users: dict[int, str] = field(default_factory=dict)
    faults: dict[int, list[dict[str, Any]]] = field(default_factory=dict)


def stretches() -> tuple[Stretch, ...]:
    """Every stretch of stretches.yml, in the order of the corpus."""
    rows = yaml.safe_load(STRETCHES.read_text(encoding="utf-8"))["stretches"]
    return tuple(
        Stretch(
            name=row["name"],
            seqs=tuple(range(row["from"], row["to"] + 1)),
            before=tuple(row.get("before", ())),
            users=row.get("users", {}),
            faults=row.get("faults", {}),
        )
        for row in rows
    )


class Player:
    """Replays one stretch against one lab."""

    def __init__(self, lab: RunningLab, corpus: dict[int, Observed]) -> None:
        self._lab = lab
        self._corpus = corpus
        self._site: SiteAccess = next(iter(lab.sites.values()))
        self._made_up: dict[str, str] = {}
        self._secrets: dict[str, str] = {}
        self._sessions: dict[str, requests.Session] = {}
        self._user = ROOT
        self._left_out: set[str] = set()

    def set_scene(self, before: tuple[Any, ...]) -> None:
        """Do what the stretch builds on; it has to work."""
        for step in before:
            real = self._corpus[step] if isinstance(step, int) else _scene(step)
            answer = self._ask(real)
            assert answer.status_code == 200, (step, answer.reason, answer.text)
            self._learn(real, answer.text)

    def play(self, stretch: Stretch, skipped: Any) -> list[tuple[Observed, Difference]]:
        """Replay the stretch; every difference with the request that shows it.

        A request that `skipped` says yes to is left out, and so are questions about its task.
        """
        found = []
        for seq in stretch.seqs:
            real = self._corpus[seq]
            self._user = stretch.users.get(seq, self._user)
            for fault in stretch.faults.get(seq, ()):
                self._lab.control.fault(site=self._site.name, **fault)
            if skipped(real) or any(upid in unquote(real.path) for upid in self._left_out):
                self._left_out.update(UPIDS.findall(real.body))
                continue
            answer = self._ask(real)
            reason = answer.reason.encode("latin-1", "replace").decode("utf-8", "replace")
            found += [(real, one) for one in differences(real, answer.status_code, reason, answer.text)]
            self._learn(real, answer.text)
        return found

    # ------------------------------------------------------------- speaking

    def _ask(self, real: Observed) -> requests.Response:
        session = self._session(self._user)
        url = self._site.urls[0] + "/api2/json" + quote(self._translated(unquote(real.path)), safe="/:@")
        if isinstance(real.params, str):
            kind = "text/plain" if "text/plain" in real.note else "application/json"
            return session.request(
                real.method, url, data=real.params.encode(), headers={"Content-Type": kind}
            )
        params = {key: self._parameter(key, value, real) for key, value in real.params.items()}
        how = "data" if real.method in ("POST", "PUT") else "params"
        return session.request(real.method, url, **{how: params})

    def _parameter(self, key: str, value: Any, real: Observed) -> Any:
        if key == "password" and value == "secret" and real.path == "/access/ticket":
            return self._site.password
        return self._translated(value) if isinstance(value, str) else value

    def _translated(self, text: str) -> str:
        return VOLATILE.sub(lambda found: self._made_up.get(found[0], found[0]), text)

    def _session(self, user: str) -> requests.Session:
        if user not in self._sessions:
            session = requests.Session()
            session.trust_env, session.verify = False, self._site.cafile
            self._log_in(session, user)
            self._sessions[user] = session
        return self._sessions[user]

    def _log_in(self, session: requests.Session, user: str) -> None:
        """A session as `user`: a ticket, a token (with `!`), or one of the ways to be refused."""
        odd = {"nobody": {}, "bad-token": {"Authorization": "PVEAPIToken=root@pam!nope=0"}}
        odd["malformed-token"] = {"Authorization": "PVEAPIToken=zzz"}
        odd["bad-cookie"] = {"Cookie": "PVEAuthCookie=PVE:root@pam:0"}
        if user in odd:
            session.headers.update(odd[user])
        elif "!" in user:
            session.headers["Authorization"] = f"PVEAPIToken={user}={self._secrets[user]}"
        else:
            self._take_ticket(session, user)

    def _take_ticket(self, session: requests.Session, user: str) -> None:
        who, _, csrf = user.partition(" ")
        password = self._site.password if who == ROOT else "Secret123"
        login = {"username": who, "password": password}
        answer = session.post(self._site.urls[0] + "/api2/json/access/ticket", data=login)
        data = answer.json()["data"]
        session.headers["Cookie"] = f"PVEAuthCookie={quote(data['ticket'], safe='')}"
        if csrf != "without-csrf":
            session.headers["CSRFPreventionToken"] = (
                "0:bad" if csrf == "bad-csrf" else data["CSRFPreventionToken"]
            )

    # ------------------------------------------------------------- learning

    def _learn(self, real: Observed, body: str) -> None:
        """Remember what the lab made up where the real cluster had made up something."""
        self._pair(real.content, parsed(body))
        data = parsed(body).get("data") if isinstance(parsed(body), dict) else None
        if isinstance(data, dict) and "full-tokenid" in data and "value" in data:
            self._secrets[data["full-tokenid"]] = data["value"]

    def _pair(self, real: Any, lab: Any) -> None:
        if isinstance(real, dict) and isinstance(lab, dict):
            for key in real.keys() & lab.keys():
                self._pair(real[key], lab[key])
        elif isinstance(real, list) and isinstance(lab, list):
            for here, there in zip(sorted(real, key=_name), sorted(lab, key=_name), strict=False):
                self._pair(here, there)
        elif isinstance(real, str) and isinstance(lab, str):
            pairs = zip(VOLATILE.finditer(real), VOLATILE.finditer(lab), strict=False)
            self._made_up.update({here[0]: there[0] for here, there in pairs})


def _name(item: Any) -> str:
    """What a list member is called, to find its counterpart in a list of another order."""
    if not isinstance(item, dict):
        return json.dumps(item)
    return "|".join(
        str(item.get(key, "")) for key in ("id", "sid", "name", "userid", "storage", "key", "vmid", "pos")
    )


def _scene(step: dict[str, Any]) -> Observed:
    return Observed(-1, step["method"], step["path"], step.get("params", {}), 200, "OK", "", "")
