"""A small estate on a lab, fresh or applied already, and what an operator does behind Bastide's back."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from lab.running import RunningLab, SiteAccess, running_lab
from lab.spec import LabSpec
from tests.integration.conftest import ESTATES, Bastide, Ran, site_api

SITE, OTHER = "carpentras", "cavaillon"
SECRETS = {SITE: "CARPENTRAS_SECRET", OTHER: "CAVAILLON_SECRET"}
HELD_SECONDS = 60.0
SIZE = LabSpec.sized(sites=2)


class Operator:
    """Somebody who works on a site with the API itself, as its administrator."""

    def __init__(self, site: SiteAccess) -> None:
        self._site, self._http = site, requests.Session()
        self._http.trust_env = False
        self._http.verify = str(site.cafile)
        self._http.headers.update(site.token_header)

    def __call__(self, method: str, path: str, /, **form: Any) -> Any:
        place = {"params" if method in {"GET", "DELETE"} else "data": form}
        answer = self._http.request(method, f"{self._site.urls[0]}/api2/json{path}", timeout=30, **place)
        assert answer.status_code == 200, f"{method} {path}: {answer.reason}"
        return answer.json()["data"]

    def guest(self, vmid: int) -> dict[str, Any]:
        """The configuration of a machine, wherever it is, its node and its power; empty if there is none."""
        for row in self("GET", "/cluster/resources"):
            if row.get("vmid") == vmid:
                config = self("GET", f"/nodes/{row['node']}/qemu/{vmid}/config")
                return {**config, "node": row["node"], "status": row["status"]}
        return {}

    def token(self, name: str, *roles: tuple[str, str]) -> tuple[str, str]:
        """A new token of root with these (path, role) pairs and no other rights; its id and its secret."""
        made = self("POST", f"/access/users/root@pam/token/{name}", privsep=1)
        for path, role in roles:
            self("PUT", "/access/acl", path=path, roles=role, tokens=made["full-tokenid"])
        return made["full-tokenid"], made["value"]


@dataclass(frozen=True)
class Scene:
    """A lab of two sites, and the small estate of the first of them (of both after `with_other_site`)."""

    lab: RunningLab
    bastide: Bastide

    @property
    def operator(self) -> Operator:
        return Operator(self.lab.sites[SITE])

    def writes(self, site: str = SITE) -> int:
        """How many writes the site has received."""
        return self.lab.control.write_count(site)

    def api(self, site: str = SITE, **changes: Any) -> None:
        """Change how the estate reaches a site; None takes a key away."""
        path = self.bastide.folder / "api.yml"
        whole = yaml.safe_load(path.read_text())
        api = whole["sites"][site]["api"] | changes
        whole["sites"][site]["api"] = {key: value for key, value in api.items() if value is not None}
        path.write_text(yaml.safe_dump(whole))

    def with_other_site(self) -> None:
        """Add the second site to the estate."""
        shutil.copy(ESTATES / "second_site.yml", self.bastide.folder)
        path = self.bastide.folder / "api.yml"
        whole = yaml.safe_load(path.read_text())
        whole["sites"][OTHER] = {"api": site_api(self.lab, OTHER, SECRETS[OTHER])}
        path.write_text(yaml.safe_dump(whole))
        self.bastide.edit("estate.yml", "[api.yml]", "[api.yml, second_site.yml]")

    def as_token(self, token: tuple[str, str]) -> None:
        """Let the estate reach its first site with another token."""
        self.api(token=token[0], secret="env:OTHER_TOKEN")
        self.bastide.secrets["OTHER_TOKEN"] = token[1]

    def journal(self) -> str:
        """All journals, one behind the other."""
        return "".join(path.read_text() for path in (self.bastide.folder / ".bastide/journal").glob("*"))


def small_estate(lab: RunningLab, folder: Path) -> Bastide:
    """The small estate, pointing at the first site of a lab."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ESTATES / "small.yml", folder / "estate.yml")
    api = {"sites": {SITE: {"api": site_api(lab, SITE, SECRETS[SITE])}}}
    (folder / "api.yml").write_text(yaml.safe_dump(api))
    return Bastide(folder, {name: lab.sites[site].secret for site, name in SECRETS.items()})


@contextmanager
def scene(folder: Path, spec: LabSpec = SIZE, *, keep: bool = False) -> Iterator[Scene]:
    """A lab in a folder with the small estate; no call that the official schema forbids may be made on it."""
    with running_lab(spec, folder / "lab", keep=keep) as lab:
        yield Scene(lab, small_estate(lab, folder / "estate"))
        assert lab.control.illegal() == []


def told(ran: Ran, code: int, *pieces: str) -> None:
    """A command ended with this code, and said one error that names these things."""
    assert ran.code == code, ran.out + ran.err
    errors = [line for line in ran.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, ran.err
    for piece in pieces:
        assert piece in ran.err, ran.err


@dataclass
class Held:
    """An apply that stands still at one write, and how it ended once the block is over."""

    process: "subprocess.Popen[str]"
    stderr: str = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def returncode(self) -> int:
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)


@contextmanager
def held(scene: Scene, method: str, path: str, *args: str) -> Iterator[Held]:
    """`apply` with these arguments: it has begun this write, which is let in when the block ends."""
    control = scene.lab.control
    fault = control.fault("slow", SITE, match=f"{method} /api2/json{path}", seconds=HELD_SECONDS)
    apply = Held(scene.bastide.start("apply", *args))
    try:
        deadline = time.monotonic() + HELD_SECONDS
        while f'"path": "{path}"' not in scene.journal():
            assert apply.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield apply
        control.lift(fault, site=SITE)
        apply.stderr = apply.process.communicate(timeout=HELD_SECONDS)[1]
    finally:
        apply.kill()


def interrupted_while_it_looks(scene: Scene, *command: str, seconds: float) -> tuple[int, str, str]:
    """Ctrl-C during a slow answer: exit code, stdout and stderr; it has to end within these seconds."""
    control = scene.lab.control
    before = control.requests(SITE)
    fault = control.fault("slow", SITE, seconds=10 * seconds)
    process = scene.bastide.start(*command)
    try:
        while control.requests(SITE) == before and process.poll() is None:
            requests.Session().close()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
        process.wait()
    control.lift(fault, site=SITE)
    return process.returncode, out, err
