"""A lab for each test that asks for one, an estate that fits it, and the command line as a user runs it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab.running import RunningLab, running_lab
from lab.spec import LabSpec

ESTATES = Path(__file__).parent / "estates"
ROOT = Path(__file__).resolve().parents[2]
SECRETS = {"PROOF_PBS_PASSWORD": "pbs-secret-1", "PROOF_USER_PASSWORD": "user-secret-2"}


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Bastide:
    """The command line on one estate, in a process of its own."""

    folder: Path
    secrets: dict[str, str]

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.secrets, "NO_COLOR": "1", "COLUMNS": "120"}

    def command(self, *args: str) -> list[str]:
        return [sys.executable, str(ROOT / "cli.py"), "-e", str(self.folder), *args]

    def __call__(self, *args: str, blocks: int | None = None) -> Ran:
        """Run a command to its end; with `blocks`, no file may grow beyond so many times 512 bytes."""
        full = ["sh", "-c", f'ulimit -f {blocks}; exec "$0" "$@"'] if blocks is not None else []
        done = subprocess.run(
            [*full, *self.command(*args)],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *args: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*args),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def edit(self, name: str, before: str, after: str) -> None:
        """Change one piece of text of the estate, which must be there."""
        path = self.folder / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))


def site_api(lab: RunningLab, site: str, secret: str) -> dict[str, object]:
    """The `api` part of a site of the lab, and the secret that goes with it."""
    access = lab.sites[site]
    return {
        "endpoints": list(access.urls),
        "ca": str(access.cafile),
        "token": access.tokenid,
        "secret": f"env:{secret}",
    }


def of_the_dead(lab: RunningLab) -> str:
    """What is said of a dead node's endpoint, as a pattern: a machine without power refuses nothing."""
    return "no route to host|it does not answer" if lab.machines else "connection refused"


def prepare(lab: RunningLab, folder: Path, *, major: int = 9) -> Bastide:
    """The estate with every kind of object, pointing at a lab."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ESTATES / "every_kind.yml", folder / "estate.yml")
    shutil.copy(ESTATES / f"ha{major}.yml", folder / "ha.yml")
    api = {"sites": {"carpentras": {"api": site_api(lab, "carpentras", "LAB_TOKEN")}}}
    (folder / "api.yml").write_text(yaml.safe_dump(api))
    return Bastide(folder, {**SECRETS, "LAB_TOKEN": lab.sites["carpentras"].secret})


@pytest.fixture
def lab(tmp_path) -> Iterator[RunningLab]:
    """One site on Proxmox VE 9; no call that the official schema forbids may have been made in the end."""
    with running_lab(LabSpec.sized(sites=1), tmp_path / "lab") as running:
        yield running
        assert running.control.illegal() == []


@pytest.fixture
def bastide(lab, tmp_path) -> Bastide:
    return prepare(lab, tmp_path / "estate")
