"""Say as JSON what a node of Proxmox VE has; the argument, JSON as well, says what is wished for."""  # noqa: INP001 - a script for the host, in no package

import json
import subprocess
import sys
from pathlib import Path

PVE = Path("/etc/pve")
FILTERS = ("bastide-firewall", "firewalld", "nftables", "ufw")
PROXIES = ("pveproxy", "spiceproxy")
ROOT_COMES_IN = {
    "permitrootlogin": ("yes", "without-password", "prohibit-password"),
    "allowtcpforwarding": ("yes", "local"),
    "allowstreamlocalforwarding": ("yes", "local"),
}


def said(*command: str) -> str:
    """What a command prints; nothing if it fails or is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - fixed words
    except (OSError, subprocess.CalledProcessError):
        return ""


def enabled(unit: str) -> bool:
    """Whether a unit is started at boot."""
    return said("systemctl", "is-enabled", unit).startswith("enabled")


def comes_in(peer: str) -> bool:
    """Whether sshd would let root in from an address, with what migrations forward."""
    shown = said("/usr/sbin/sshd", "-T", "-C", f"user=root,host={peer},addr={peer}").splitlines()
    settings = dict(line.split(" ", 1) for line in shown if " " in line)
    return all(settings.get(key) in values for key, values in ROOT_COMES_IN.items())


def fingerprint(certificate: str) -> str:
    """The SHA-256 fingerprint of the first certificate of a file; nothing without one."""
    return said("openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256")


def pair(certificate: str, key: str) -> bool:
    """Whether a key is that of a certificate."""
    public = said("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
    return bool(public) and public == said("openssl", "pkey", "-in", key, "-pubout", "-passin", "pass:")


def without_second_factor() -> list[str]:
    """The users who may log in with a password alone (PVE::AccessControl: user.cfg and tfa.cfg)."""
    try:
        rows = [line.split(":") for line in (PVE / "user.cfg").read_text().splitlines()]
        factors = PVE / "priv/tfa.cfg"
        second = json.loads(factors.read_text()).get("users", {}) if factors.exists() else {}
    except (OSError, ValueError):
        return []
    return [row[1] for row in rows if row[0] == "user" and row[2] == "1" and not second.get(row[1])]


def firewall_is_on() -> bool:
    """Whether the cluster's firewall is enabled (PVE::Firewall, cluster.fw)."""
    try:
        lines = (PVE / "firewall/cluster.fw").read_text().lower().splitlines()
    except OSError:
        return False
    return "enable: 1" in [line.strip() for line in lines]


def told() -> list[str]:
    """What nobody but people can decide."""
    single = without_second_factor()
    found = [f"without a second factor: {', '.join(single)}"] if single else []
    return found if firewall_is_on() else [*found, "pve-firewall is not enabled in cluster.fw"]


wish = json.loads(sys.argv[1])
json.dump(
    {
        "keyring": Path(wish["keyring"]).is_file(),
        "sources": [file.name for file in Path("/etc/apt/sources.list.d").iterdir()],
        "proxies": [unit for unit in PROXIES if enabled(unit)],
        "served": fingerprint("/etc/pve/local/pveproxy-ssl.pem"),
        "certificate": fingerprint(wish["certificate"]),
        "pair": pair(wish["certificate"], wish["key"]),
        "kept_out": [peer for peer in wish["peers"] if not comes_in(peer)],
        "filters": [unit for unit in FILTERS if enabled(unit)],
        "told": told(),
    },
    sys.stdout,
)
