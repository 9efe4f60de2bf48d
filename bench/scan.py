"""Lynis, OpenSCAP, ssh-audit and `bastide audit` on one host: stock, then hardened at level high.

`python -m bench.scan ESTATE HOST ADDRESS SSH_CONFIG CONTENT`: HOST is a host of ESTATE with Debian 13 on
which nothing was hardened, root gets in at ADDRESS by SSH_CONFIG, and CONTENT is ssg-debian13-ds.xml of the
package ssg-debian of Debian testing or later (the one of Debian 13 is older than Debian 13). Writes
bench/scanners/measured.json, which docs/reference/scanners.md is made from.

A host of the lab is a container. It is made to look like a whole host where that is fair: it gets a kernel,
without which OpenSCAP leaves out most rules and which Lynis is not shown, for it waits for its boot in vain;
and the settings of its own network, as LXC gives them to a container and the lab does not.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from bench.measure import BenchError, Ran, bastide, machine, progress, run

MEASURED = Path(__file__).parent / "scanners" / "measured.json"
PROFILES = {"anssi-high": "anssi_bp28_high", "cis-level-2": "cis_level2_server"}
XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
RULE = "xccdf_org.ssgproject.content_rule_"
CONTENT = "/var/tmp/scanners.xml"  # noqa: S108 - on the host that is measured, for root
RESULTS = "/var/tmp/scanners-results.xml"  # noqa: S108 - the same
INSTALL = """
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update </dev/null
packages="lynis openscap-scanner openscap-common ssh-audit linux-image-cloud-amd64"
apt-get -qq install --no-install-recommends $packages </dev/null >/dev/null 2>&1
cat >{content}
dpkg-query --show --showformat '${{Version}}\n' lynis openscap-scanner ssh-audit
mkdir /run/own && mount -t proc proc /run/own && mount --bind /run/own/sys/net /proc/sys/net
umount /run/own && rmdir /run/own
"""
LYNIS = """
unshare --mount sh -c 'mount -t tmpfs none /boot && lynis audit system --quick --no-colors' >/dev/null 2>&1
cat /var/log/lynis-report.dat
"""
TESTS = "cat /usr/share/lynis/db/tests.db"
SSH_AUDIT = "ssh-audit --no-colors --skip-rate-test 127.0.0.1 || true"
"""From the host itself: a server of OpenSSH 10 shuts out whoever connects so often without logging in."""
SCANNERS = ("lynis", "openscap", "ssh-audit")
OSCAP = "oscap xccdf eval --profile {profile} --results {results} {content} >/dev/null 2>&1; cat {results}"
LOOKED = (0, 4, 6)  # how `bastide audit` ends; 4: something fails, 6: something could not be looked at


@dataclass(frozen=True, slots=True)
class Target:
    """The host that is measured, and how one gets into it."""

    estate: Path
    host: str
    address: str
    ssh_config: Path

    def asked(self, command: str) -> Ran:
        """What a command on the host said and took. Raises BenchError if it failed."""
        return run(["ssh", "-F", str(self.ssh_config), self.address, command], os.environ)


def main(arguments: list[str]) -> int:
    """Measure, harden, measure, and write. 0, or 1 with a sentence."""
    if len(arguments) != 5:  # noqa: PLR2004 - as the docstring says
        print(__doc__, file=sys.stderr)
        return 1
    estate, host, address, ssh_config, content = arguments
    target = Target(Path(estate), host, address, Path(ssh_config))
    try:
        document = compared(target, Path(content))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    MEASURED.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def compared(target: Target, content: Path) -> dict[str, Any]:
    """Everything that is measured, by its names in the file."""
    versions = _installed(target, content)
    tests = dict(line.split(":")[::5] for line in target.asked(TESTS).out.splitlines() if line[:1].isupper())
    stock = scanned(target, "stock")
    progress("hardening")
    words = ("--limit", target.host, "--profile", "high", "--yes", "--break-glass", "a comparison")
    run(bastide(target.estate, "harden", *words), os.environ)
    hardened = scanned(target, "hardened")
    judged = {rule for state in (stock, hardened) for told in state["openscap"].values() for rule in told}
    return {
        "at": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions | {"content": _titles(content)["version"]},
        "titles": {rule: title for rule, title in _titles(content)["rules"].items() if rule in judged},
        "tests": {test: title for test, title in tests.items() if test in stock["lynis"]["tests"]},
        "stock": stock,
        "hardened": hardened,
    }


def scanned(target: Target, state: str) -> dict[str, Any]:
    """What each scanner says of the host as it is, and the seconds that each took."""
    progress(f"{state}: lynis")
    told: dict[str, Any] = {"seconds": {}, "scores": {}, "openscap": {}}
    lynis = target.asked(LYNIS)
    told["lynis"] = _lynis(lynis.out)
    told["scores"]["lynis"] = told["lynis"].pop("index")
    told["seconds"]["lynis"] = round(lynis.seconds, 1)
    for name, profile in PROFILES.items():
        progress(f"{state}: oscap {name}")
        words = {"profile": f"xccdf_org.ssgproject.content_profile_{profile}", "results": RESULTS}
        ran = target.asked(OSCAP.format(content=CONTENT, **words))
        told["scores"][name], told["openscap"][name] = _xccdf(ran.out)
        told["seconds"][f"oscap {name}"] = round(ran.seconds, 1)
    progress(f"{state}: bastide audit")
    ours = run(
        bastide(target.estate, "audit", "--limit", target.host, "--profile", "high", "--format", "json"),
        os.environ,
        fine=LOOKED,
    )
    told["seconds"]["bastide audit"] = round(ours.seconds, 1)
    findings = json.loads(ours.out)["findings"]
    told["bastide"] = {one["check"]: one["verdict"] for one in findings if one["subject"] == target.host}
    told["ssh-audit"] = {mark: target.asked(SSH_AUDIT).out.count(f"[{mark}]") for mark in ("fail", "warn")}
    return told


def _installed(target: Target, content: Path) -> dict[str, str]:
    """Put the scanners and the content on the host; their versions."""
    progress("installing the scanners")
    command = ["ssh", "-F", str(target.ssh_config), target.address, INSTALL.format(content=CONTENT)]
    with content.open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    words = done.stdout.split()
    if done.returncode or len(words) != len(SCANNERS):
        raise BenchError(f"the scanners could not be installed: {done.stderr[-500:]}")
    return dict(zip(SCANNERS, words, strict=True))


def _lynis(report: str) -> dict[str, Any]:
    """The index, and each test with what it suggests or warns of; an empty list if it found nothing."""
    pairs = [line.partition("=")[::2] for line in report.splitlines() if "=" in line]
    single = dict(pairs)
    tests: dict[str, list[str]] = {name: [] for name in single["tests_executed"].split("|") if name}
    for key, value in pairs:
        if key in ("suggestion[]", "warning[]"):
            test, text, details, *_ = [*value.split("|"), ""]
            said = text if details in ("", "-") else f"{text} ({details})"
            tests.setdefault(test, []).append(said)
    return {"index": int(single["hardening_index"]), "tests": dict(sorted(tests.items()))}


def _xccdf(text: str) -> tuple[float, dict[str, str]]:
    """The score, and the result of each rule that was selected."""
    tree = ET.fromstring(text)  # noqa: S314 - what oscap of our own host wrote
    score = next(tree.iter(f"{XCCDF}score"))
    results = {
        one.get("idref", "").removeprefix(RULE): one.findtext(f"{XCCDF}result", "")
        for one in tree.iter(f"{XCCDF}rule-result")
    }
    selected = {name: result for name, result in results.items() if result != "notselected"}
    return round(float(score.text or 0), 1), dict(sorted(selected.items()))


def _titles(content: Path) -> dict[str, Any]:
    """The version of the content and the title of each of its rules."""
    tree = ET.parse(content)  # noqa: S314 - of a package of Debian
    rules = {
        one.get("id", "").removeprefix(RULE): one.findtext(f"{XCCDF}title", "")
        for one in tree.iter(f"{XCCDF}Rule")
    }
    version = next(tree.iter(f"{XCCDF}Benchmark")).findtext(f"{XCCDF}version", "")
    return {"version": version, "rules": rules}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
