"""The demo on real hosts: two clinics come up, are used, lose a node, and are whole again."""

from __future__ import annotations

import http.client
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml
from demo_stage import ROOT, DemoFailed, Scene, Stage, environment
from rich.text import Text

from lab.errors import LabError
from lab.load import Application

ESTATE = "demo/inventory/lab"
AUTHORITY = "demo/.lab/ca.pem"
SSH = ("ssh", "-F", "demo/.lab/ssh_config")
JOURNAL = "demo/run.jsonl"
SITES: Mapping[str, str] = {"Carpentras": "https://10.84.20.61", "Cavaillon": "https://10.184.20.61"}
GROWN = "disks: { scsi1: { size: 2G, discard: true } }"
NODE, DATABASE, OTHER_DATABASE = "ventoux-1", "root@10.84.20.21", "root@10.184.20.21"
PATIENCE_SECONDS = 240.0
ABOUT = (
    "What ran is the lab of real hosts on one machine: nodes and guests are Debian system containers that "
    "share its kernel, also those that Proxmox VE calls virtual machines; the Proxmox VE API is simulated. "
    "All patients are invented."
)
WHO = (
    ". /etc/os-release; echo $(hostname), $PRETTY_NAME, "
    "$(ps -o comm= -p 1) up for $(ps -o etime= -p 1); ip -brief -4 address"
)
COUNTS = (
    "select (select count(*) from patients) as patients, (select count(*) from stays) as stays, "
    "(select count(*) from results) as results"
)
LOAD = (
    *("bastide", "lab", "load", "--dir", "demo/.lab", "--url", SITES["Cavaillon"]),
    *("--rate", "10", "--seconds", "40", "--journal", JOURNAL),
)


def _lab(*words: str) -> tuple[str, ...]:
    return ("bastide", "lab", *words, "--dir", "demo/.lab")


def _counts(host: str) -> tuple[str, ...]:
    return (*SSH, host, f'runuser -u postgres -- psql dpi -c "{COUNTS}"')


BEGINNING = (
    Scene("Start the lab: two clinics and a witness, seven booted Debian hosts", _lab("up")),
    Scene("Is the estate right?", ("bastide", "-e", ESTATE, "validate")),
    Scene(
        "What would change? (exit 4: changes)", ("bastide", "-e", ESTATE, "plan", "-o", "demo/plan.json"), 4
    ),
    Scene("Apply exactly that plan", ("bastide", "-e", ESTATE, "apply", "demo/plan.json")),
)
LOOKING = (
    Scene("Log in to a node", (*SSH, NODE, WHO)),
    Scene("Log in to a guest that the API made", (*SSH, DATABASE, WHO), pictured=True),
    Scene("Ask the patient database of Carpentras", _counts(DATABASE), pictured=True),
    Scene("Ask the patient database of Cavaillon", _counts(OTHER_DATABASE)),
    Scene("Ansible sees the same estate", ("ansible-inventory", "-i", f"{ESTATE}/bastide.yml", "--graph")),
)
HARDEN = ("bastide", "-e", ESTATE, "harden")
AUDIT = ("bastide", "-e", ESTATE, "audit", "--lang", "en")
REPORTS = "demo/reports"
HARDENING = (
    Scene(
        "Look at every host and cluster as they are; nothing is changed (exit 4: something fails)", AUDIT, 4
    ),
    Scene(
        "What would the level that the estate asks for change about SSH on one host? (exit 4)",
        (*HARDEN, "--check", "--limit", "ca-files", "--tags", "ssh"),
        4,
    ),
    Scene(
        "Harden every host, site by site, with a rollback armed while access changes",
        (*HARDEN, "--yes", "--break-glass", "the demo's own window"),
    ),
    Scene(
        "Again on two of them: nothing is left to change",
        (*HARDEN, "--check", "--limit", "ca-files", "--limit", "ventoux-1"),
    ),
)
PROOF = (
    Scene(
        "Look at everything again (exit 4: some things a lab has not, such as restores tested)",
        AUDIT,
        4,
        pictured=True,
    ),
    Scene(
        "Was anything of what was recorded touched since, here or at the backup servers?",
        ("bastide", "-e", ESTATE, "evidence", "verify", "--copies"),
    ),
    Scene(
        "Write what an auditor reads, and an archive that proves itself with stock tools",
        (
            *("bastide", "-e", ESTATE, "report", "--output", REPORTS, "--pack", f"{REPORTS}/evidence.zip"),
            *("--format", "html", "--format", "pdf", "--format", "xlsx"),
        ),
    ),
)
ENDING = (
    Scene(
        "Cut the link between the clinics",
        _lab("fault", "link-cut", "--site", "carpentras", "--match", "cavaillon"),
    ),
    Scene("From one clinic to the other nothing gets through", (*SSH, NODE, "ping -c 2 -W 1 10.184.0.12"), 1),
    Scene("Heal it", _lab("fault", "link-restore", "--site", "carpentras")),
    Scene("It gets through again", (*SSH, NODE, "ping -c 2 -W 1 10.184.0.12")),
    Scene("Plan again: nothing is left to do", ("bastide", "-e", ESTATE, "plan")),
)
AFTER_EDIT = Scene("See exactly what that means", ("bastide", "-e", ESTATE, "plan"), 4, pictured=True)
STATUS = Scene("The lab as it is now", _lab("status"))


def play(stage: Stage) -> None:
    """All that the lab of real hosts can show; it stays up."""
    for scene in BEGINNING:
        stage.play(scene)
    stage.tell("The guests boot, and cloud-init makes each what it is", _ready())
    stage.tell("Open the patient application of both clinics", _opened(), pictured=True)
    for scene in LOOKING:
        stage.play(scene)
    _lose_a_node(stage)
    for scene in ENDING:
        stage.play(scene)
    stage.edit(ESTATE, GROWN, GROWN.replace("2G", "3G"))
    stage.play(AFTER_EDIT)
    for scene in HARDENING:
        stage.play(scene)
    stage.tell("Both patient applications go on as before", _opened())
    stage.play(STATUS)
    for scene in PROOF:
        stage.play(scene)


def _lose_a_node(stage: Stage) -> None:
    """Kill the node that the application of a clinic runs on, while somebody writes through it."""
    writing = subprocess.Popen(
        LOAD, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        title = "Write numbered records through the application of Cavaillon, without a pause"
        stage.tell(title, [Text("$ " + shlex.join(LOAD) + " &", style="bold")], pictured=True)
        time.sleep(4)
        down = _lab("fault", "node-down", "--site", "cavaillon", "--node", "luberon-1")
        stage.play(Scene("Meanwhile, kill the node that it runs on", down, pictured=True))
        stage.tell("High availability starts its guests on the other node", _recovered(), pictured=True)
        said = writing.communicate(timeout=PATIENCE_SECONDS)[0]
    finally:
        writing.kill()
        writing.wait()
    stage.tell("What became of the writes", map(Text.from_ansi, said.splitlines()))
    verify = ("bastide", "lab", "load", "--dir", "demo/.lab", "--verify", JOURNAL)
    stage.play(Scene("Is every acknowledged write there?", verify, pictured=True))
    stage.play(Scene("Give the node its power back", _lab("fault", "--lift")))
    stage.tell("It boots", _until({"luberon-1": ("10.184.0.11", 22)}))


def _ready() -> Iterator[Text]:
    """Every guest with an address as soon as it lets somebody in, then both applications."""
    yield from _until({name: (address, 22) for name, address in _addresses().items()})
    for clinic in SITES:
        yield from _answering(clinic)


def _addresses() -> dict[str, str]:
    """Each guest's address, as the estate says it."""
    found = {}
    for file in sorted(ROOT.joinpath(ESTATE).glob("guests/*.yml")):
        for name, guest in yaml.safe_load(file.read_text(encoding="utf-8"))["guests"].items():
            address = guest["nics"]["net0"].get("address", "")
            if address:
                found[name] = address.partition("/")[0]
    return found


def _until(places: Mapping[str, tuple[str, int]]) -> Iterator[Text]:
    """Say of each place when somebody listens there. Raises DemoFailed when one never does."""
    began, missing = time.monotonic(), dict(places)
    while missing:
        for name, place in tuple(missing.items()):
            if _listens(*place):
                del missing[name]
                yield Text(f"{time.monotonic() - began:4.0f} s  {name:<12} {place[0]} lets you in by ssh")
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise DemoFailed(f"not to be reached: {', '.join(missing)}")
        time.sleep(0.3)


def _listens(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), 0.5):
            return True
    except OSError:
        return False


def _recovered() -> Iterator[Text]:
    """The application of Cavaillon is away, then it is back, on the other node."""
    began = time.monotonic()
    while _health("Cavaillon") is not None:
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise DemoFailed("the application of Cavaillon goes on without its node")
        time.sleep(0.2)
    yield Text(f"        {SITES['Cavaillon']}/ does not answer", style="red")
    yield from _answering("Cavaillon")


def _answering(clinic: str) -> Iterator[Text]:
    """Say when the application of a clinic is healthy. Raises DemoFailed when it never is."""
    began = time.monotonic()
    while (found := _health(clinic)) is None:
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise DemoFailed(f"the patient application of {clinic} does not become healthy")
        time.sleep(0.5)
    seconds = time.monotonic() - began
    told = f"{found['patients']} patients, {found['writes']} numbered writes"
    yield Text(f"{seconds:4.0f} s  {SITES[clinic]}/ is healthy: {told}", style="green")


def _opened() -> Iterator[Text]:
    """What both applications tell, over HTTPS that is verified against the lab's authority."""
    for clinic, url in SITES.items():
        found = _health(clinic)
        if found is None:
            raise DemoFailed(f"the patient application of {clinic} does not answer")
        yield Text(f"{url}/  200, certificate verified with {AUTHORITY}", style="bold")
        yield Text(
            f"  Clinique de {clinic}: {found['patients']} patients, {found['present']} of them present, "
            f"{found['waiting']} results to validate"
        )
        yield Text(f"  from the database {found['database']}, PostgreSQL {found['version']}")


def _health(clinic: str) -> dict[str, Any] | None:
    """What the application says of itself; None when it is not healthy. HTTPS is verified."""
    try:
        status, told = Application(SITES[clinic], Path(ROOT, AUTHORITY)).ask("GET", "/api/health")
    except (OSError, http.client.HTTPException):
        return None
    except LabError as problem:
        raise DemoFailed(problem.what) from problem
    return told if status == HTTPStatus.OK and isinstance(told, dict) else None
