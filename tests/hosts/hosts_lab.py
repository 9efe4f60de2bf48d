"""What the tests of real hosts look with: the command line, ssh, ping, the API; all from outside."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from lab.hosts import kernel, names
from lab.hosts.access import Access
from lab.running import RunningLab

ROOT = Path(__file__).parents[2]
HARDENED = os.environ.get("BASTIDE_TEST_HARDENED", "ca-dpi-db ventoux-1").split()
"""A node and a guest with a database: a host of each kind, for this takes long. Others on request."""


def bastide_lab(*words, folder):
    """`bastide lab WORDS` in a process of its own."""
    command = (sys.executable, "cli.py", "lab", *words)
    where = () if words[0] == "clean" else ("--dir", str(folder))
    return subprocess.run((*command, *where), capture_output=True, text=True, check=False, cwd=ROOT)


def bastide(*words, keeps=None):
    """`bastide WORDS` in a process of its own; what roles keep on the controller goes below `keeps`."""
    return subprocess.run(
        (sys.executable, "cli.py", *words),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"NO_COLOR": "1"} | ({"XDG_DATA_HOME": str(keeps)} if keeps else {}),
    )


def harden(estate, *hosts):
    """`bastide harden` at the level high, of the hosts that are hardened in tests unless others are named."""
    chosen = (word for host in hosts or HARDENED for word in ("--limit", host))
    words = ("harden", *chosen, "--profile", "high", "--yes", "--break-glass", "a test", "--json")
    return bastide("-e", str(estate), *words, keeps=estate.parent)


def estate_for(lab_folder, folder):
    """A copy of the lab's estate that reaches the lab whose keys are in `lab_folder`."""
    estate = shutil.copytree(ROOT / "inventory" / "lab", folder / "inventory-lab")
    for file in estate.rglob("*.yml"):
        file.write_text(file.read_text().replace("../../.lab", str(lab_folder)), encoding="utf-8")
    return estate


def wait_for(question, seconds=60):
    """What `question` answers once it answers truly; it is asked again until then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"never became true: {question}")


def listens(address, port):
    """Whether something accepts connections there."""
    probe = ("/bin/bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}")
    try:
        return subprocess.run(probe, capture_output=True, check=False, timeout=3).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@dataclass(frozen=True)
class UpLab:
    """A lab that is up: how to speak to its machines."""

    folder: Path

    @property
    def running(self):
        return RunningLab.at(self.folder)

    @property
    def control(self):
        return self.running.control

    @property
    def access(self):
        return Access(self.folder)

    def try_ssh(self, address, *command, user="root"):
        """A command on a host, as the lab's owner gives it; the completed process."""
        words = (*self.access.ssh(address, user=user), *command)
        return subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)

    def ssh(self, address, *command, user="root"):
        """What a command on a host prints."""
        done = self.try_ssh(address, *command, user=user)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def pings(self, source, target):
        """Whether one host reaches another."""
        return self.try_ssh(source, "ping", "-c1", "-W1", target).returncode == 0

    def answers(self, address):
        """Whether a host lets its owner in."""
        return self.try_ssh(address, "true").returncode == 0

    def api(self, site, node=0):
        """The API of a site, at one of its nodes."""
        return Api(self.running.sites[site], node)


class Api:
    """The API of a site, spoken to as any client does."""

    def __init__(self, site, node):
        self.base = site.urls[node] + "/api2/json"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = site.cafile
        self.session.headers.update(site.token_header)

    def __call__(self, method, path, **values):
        """The data of an answer; a task is waited for and has to end well."""
        name = "params" if method == "GET" else "data"
        answer = self.session.request(method, self.base + path, **{name: values}, timeout=60)
        assert answer.status_code == 200, f"{answer.status_code} {answer.reason}"
        data = answer.json()["data"]
        if isinstance(data, str) and data.startswith("UPID:"):
            path = f"{self.base}/nodes/{data.split(':')[1]}/tasks/{data}"
            status = wait_for(lambda: self._ended(path))
            assert status["exitstatus"] == "OK", self.session.get(path + "/log").json()["data"]
        return data

    def _ended(self, path):
        status = self.session.get(path + "/status", timeout=60).json()["data"]
        return status if status["status"] == "stopped" else None


def footprint(own=None):
    """Everything that the lab can leave on a machine, as the machine itself tells it.

    Labs of other names, and workshops, come and go meanwhile, and so do their connections to here. `own` is
    the pattern of the names that are meant, else the lab's.
    """
    own = f"(?:{own or re.escape(names.word())})"
    link = rf"b(?!{own}-)[a-z][a-z0-9]{{0,4}}-"
    others = re.compile(
        rf"{names.base()}/(?!{own}/)|inet bastide-(?!{own}$)|^{link}| dev {link}|/netns/{link}"
    )

    def lines(*command):
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        return frozenset(line for line in told if not others.search(line))

    mounts = Path("/proc/self/mounts").read_text().splitlines()
    links = json.loads(
        subprocess.run(("ip", "-j", "link"), capture_output=True, text=True, check=True).stdout
    )
    groups = Path("/sys/fs/cgroup").glob("*/bastide-*")
    return {
        "mounts": frozenset(line for line in mounts if not others.search(line)),
        "links": frozenset(link["ifname"] for link in links if not others.search(link["ifname"])),
        "namespaces": lines("ip", "netns", "list"),
        "routes": lines("ip", "route"),
        "tables": lines("nft", "list", "tables"),
        "loops": lines("losetup", "-n", "-l", "-O", "NAME,BACK-FILE"),
        "processes": frozenset(
            line for line in lines("ps", "-eo", "args") if re.search(rf"bastide-{own}-", line)
        ),
        "groups": frozenset(str(path) for path in groups if re.fullmatch(f"bastide-{own}", path.name)),
        "folders": frozenset(path for path in names.base().glob("*") if re.fullmatch(own, path.name)),
        "settings": kernel.before(),
    }
