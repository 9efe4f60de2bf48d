"""Public scanners and `bastide audit` on one Debian 13: stock, then hardened at level high.

`python -m bench.scan lynis`, as root, has Lynis and ssh-audit look at a virtual machine of the lab, for much
of what Lynis asks about is the kernel. It is reached at port 22 of loopback, which has to be free. Where QEMU
has to translate every instruction this takes half an hour, and OpenSCAP would take hours. So
`python -m bench.scan openscap CONTENT` has OpenSCAP look at a system container, which gets a kernel package,
without which most rules are left out. CONTENT is ssg-debian13-ds.xml of the package ssg-debian of Debian
testing or later (the one of Debian 13 is older than Debian 13). Both hosts are thrown away at the end. What
was found is written to bench/scanners/, which docs/reference/scanners.md is made from.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from bench.measure import BenchError, bastide, machine, progress, run
from bench.workshop import Workshop, workshop
from lab.errors import LabError
from lab.hosts import names
from lab.ssh_config import FILE
from lab.vm import disk, preflight
from lab.vm import machine as vm

FOLDER = Path(__file__).parent / "scanners"
PROFILES = {"anssi-high": "anssi_bp28_high", "cis-level-2": "cis_level2_server"}
XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
RULE = "xccdf_org.ssgproject.content_rule_"
CONTENT = "/var/tmp/scanners.xml"  # noqa: S108 - on the host that is measured, for root
RESULTS = "/var/tmp/scanners-results.xml"  # noqa: S108 - the same
OSCAP = """
rm -f {results}
oscap xccdf eval --profile {profile} --results {results} {content} >/dev/null 2>&1
cat {results}
"""
KERNEL = "linux-image-cloud-amd64"
SSH_PORT = 22
PAUSE_SECONDS = 5
BOOTED = "test ! -e /run/before && timeout 600 systemctl is-system-running --wait"
UP = ("running", "degraded")
DECLARED = {
    "kernel__grub_password_hash": f"grub.pbkdf2.sha512.10000.{'00' * 64}.{'00' * 64}",  # of no password
    "ssh__allowed_groups": ["root"],
}
"""What only whoever looks after a host can say, as variables of the roles."""
INSTALL = """
export DEBIAN_FRONTEND=noninteractive
mkdir -p /boot/grub
apt-get -qq update </dev/null
apt-get -qq install --no-install-recommends {packages} </dev/null >/dev/null 2>&1
dpkg-query --show --showformat '${{Package}} ${{Version}}\n' {packages}
"""
"""A virtual machine's kernel is started from outside, so that nobody made the folder of GRUB's menu."""
LYNIS = """
rm -f /var/log/lynis-report.dat
lynis audit system --quick --no-colors --quiet >/dev/null 2>&1
cat /var/log/lynis-report.dat
"""
TESTS = "cat /usr/share/lynis/db/tests.db"
SSH_AUDIT = "ssh-audit --no-colors --skip-rate-test 127.0.0.1 || true"
"""From the host itself: a server of OpenSSH 10 shuts out whoever connects so often without logging in."""
LOOKED = (0, 4, 6)  # how `bastide audit` ends; 4: something fails, 6: something could not be looked at


@dataclass(frozen=True, slots=True)
class Target:
    """The host that is measured, and the workshop that it is the only one of."""

    host: str
    shop: Workshop

    def login(self) -> list[str]:
        """The command that opens a session; append what to run there."""
        return ["ssh", "-F", str(self.shop.ssh_config), "-o", "ServerAliveInterval=30", self.host]

    def asked(self, command: str, fine: tuple[int, ...] = (0,)) -> str:
        """What a command on the host said. Raises BenchError if its exit code is not one of `fine`."""
        return run([*self.login(), command], os.environ, fine=fine).out

    def restarted(self) -> None:
        """Let it boot, as what counts from the next start wants."""
        self.asked("touch /run/before && systemctl reboot", fine=(0, 255))
        deadline = time.monotonic() + vm.BOOT_SECONDS
        while self.asked(BOOTED, fine=(0, 1, 124, 255)).strip() not in UP:
            if time.monotonic() > deadline:
                raise BenchError("the hardened host does not come back from a restart")
            time.sleep(PAUSE_SECONDS)

    def harden(self) -> None:
        """Harden it. Raises BenchError if that fails."""
        progress("hardening")
        self._bastide("harden", "--yes")

    def audited(self) -> dict[str, str]:
        """Our own verdicts, by their checks."""
        progress("bastide audit")
        told = json.loads(self._bastide("audit", "--format", "json", fine=LOOKED))
        return {one["check"]: one["verdict"] for one in told["findings"] if one["subject"] == self.host}

    def _bastide(self, command: str, *words: str, fine: tuple[int, ...] = (0,)) -> str:
        about = (command, "--limit", self.host, "--profile", "high", *words)
        return run(bastide(self.shop.estate(), *about), self.shop.environment(), fine=fine).out


def main(arguments: list[str]) -> int:
    """Measure, harden, measure, and write. 0, or 1 with a sentence."""
    match arguments:
        case ["lynis"]:
            measure, written = lynis, "lynis.json"
        case ["openscap", content]:
            measure, written = partial(openscap, Path(content)), "openscap.json"
        case _:
            print(__doc__, file=sys.stderr)
            return 1
    try:
        found = measure()
    except (BenchError, LabError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    document = {"at": datetime.now(UTC).date().isoformat(), "machine": machine(), **found}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (FOLDER / written).write_text(text + "\n", encoding="utf-8")
    return 0


def lynis() -> dict[str, Any]:
    """What Lynis, ssh-audit and we say of a virtual machine. Raises LabError if it cannot be had."""
    with virtual() as target:
        versions = _installed(target, "lynis", "ssh-audit")
        stock = _said_by_lynis(target)
        target.harden()
        target.restarted()
        hardened = _said_by_lynis(target)
        named = target.asked(TESTS).splitlines()
    titles = dict(line.split(":")[::5] for line in named if line[:1].isupper())
    ran = stock["rules"] | hardened["rules"]
    return {
        "versions": versions,
        "titles": {test: title for test, title in titles.items() if test in ran},
        "stock": stock,
        "hardened": hardened,
    }


def openscap(content: Path) -> dict[str, Any]:
    """What OpenSCAP and we say of a container."""
    version, titles = _named(content)
    with tempfile.TemporaryDirectory() as made, workshop(Path(made) / "workshop") as shop:
        progress("booting")
        (host,) = shop.fresh()
        shop.tell(DECLARED)
        target = Target(host, shop)
        versions = _installed(target, "openscap-scanner", "openscap-common", KERNEL)
        with content.open("rb") as file:
            brought = subprocess.run([*target.login(), f"cat >{CONTENT}"], stdin=file, check=False)
        if brought.returncode:
            raise BenchError(f"{content} could not be brought to the host")
        stock = _said_by_openscap(target)
        target.harden()
        hardened = _said_by_openscap(target)
    judged = {rule for state in (stock, hardened) for told in state["rules"].values() for rule in told}
    return {
        "versions": versions | {"content": version},
        "titles": {rule: title for rule, title in titles.items() if rule in judged},
        "stock": stock,
        "hardened": hardened,
    }


@contextmanager
def virtual() -> Iterator[Target]:
    """A fresh virtual machine, which goes when the block ends. Raises LabError if it cannot be had."""
    preflight.check()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "machine"
        host = vm.Vm(vm.ALIAS, folder, SSH_PORT)
        vm.check_free(host)
        progress("booting")
        vm.start(disk.ensure(names.cache(), vm.ALIAS, progress), host)
        try:
            shop = Workshop(Path(made), folder / FILE, {host.name: "127.0.0.1"})
            shop.tell(DECLARED)
            yield Target(host.name, shop)
        finally:
            vm.stop(host.name, folder)


def _installed(target: Target, *packages: str) -> dict[str, str]:
    """Put packages on the host; their versions."""
    progress("installing the scanners")
    told = target.asked(INSTALL.format(packages=" ".join(packages)))
    return dict(line.split() for line in told.splitlines())


def _said_by_lynis(target: Target) -> dict[str, Any]:
    """The index, and each test with what it suggests or warns of; an empty list if it found nothing."""
    progress("lynis")
    pairs = [line.partition("=")[::2] for line in target.asked(LYNIS).splitlines() if "=" in line]
    single = dict(pairs)
    rules: dict[str, list[str]] = {name: [] for name in single["tests_executed"].split("|") if name}
    for key, value in pairs:
        if key in ("suggestion[]", "warning[]"):
            test, text, details, *_ = [*value.split("|"), ""]
            said = text if details in ("", "-") else f"{text} ({details})"
            rules.setdefault(test, []).append(said)
    ssh_audit = target.asked(SSH_AUDIT)
    if "(gen) banner" not in ssh_audit:
        raise BenchError(f"ssh-audit did not get to ask anything: {ssh_audit[-500:]}")
    return {
        "score": int(single["hardening_index"]),
        "rules": dict(sorted(rules.items())),
        "ssh-audit": {mark: ssh_audit.count(f"[{mark}]") for mark in ("fail", "warn")},
        "bastide": target.audited(),
    }


def _said_by_openscap(target: Target) -> dict[str, Any]:
    """The score by each profile, and the result of each rule that it selects."""
    scores, rules = {}, {}
    for name, profile in PROFILES.items():
        progress(f"oscap {name}")
        full = f"xccdf_org.ssgproject.content_profile_{profile}"
        told = target.asked(OSCAP.format(profile=full, results=RESULTS, content=CONTENT))
        tree = ET.fromstring(told)  # noqa: S314 - what oscap of our own host wrote
        scores[name] = round(float(next(tree.iter(f"{XCCDF}score")).text or 0), 1)
        results = {
            one.get("idref", "").removeprefix(RULE): one.findtext(f"{XCCDF}result", "")
            for one in tree.iter(f"{XCCDF}rule-result")
        }
        selected = {rule: result for rule, result in results.items() if result != "notselected"}
        rules[name] = dict(sorted(selected.items()))
    return {"scores": scores, "rules": rules, "bastide": target.audited()}


def _named(content: Path) -> tuple[str, dict[str, str]]:
    """The version of the content, and the title of each of its rules. Raises BenchError without it."""
    try:
        tree = ET.parse(content)  # noqa: S314 - of a package of Debian
    except (OSError, ET.ParseError) as error:
        raise BenchError(f"{content} is not OpenSCAP's content: {error}") from error
    titles = {
        one.get("id", "").removeprefix(RULE): one.findtext(f"{XCCDF}title", "")
        for one in tree.iter(f"{XCCDF}Rule")
    }
    return next(tree.iter(f"{XCCDF}Benchmark")).findtext(f"{XCCDF}version", ""), titles


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
