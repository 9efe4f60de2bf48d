"""What the roles set passes the checks that send people to them."""

from datetime import UTC, datetime
from pathlib import Path

import jinja2
import pytest
import yaml

from provisioner.decide.controls import findings, section_of
from provisioner.estate.catalogue import load_catalogue
from provisioner.model.finding import Collected, Subject, Verdict

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HIGHEST = 4
KINDS = ("node", "vm", "witness", "host")
TEMPORARY = "/tmp"  # noqa: S108 - a path of hosts that is looked at, nothing is written there
FINE = {Verdict.PASS, Verdict.NOT_APPLICABLE}


@pytest.fixture(scope="module")
def checks():
    catalogue, _ = load_catalogue(ROOT / "controls")
    return tuple(catalogue.checks.values())


@pytest.fixture(scope="module")
def defaults():
    def of(role):
        return yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8"))

    return of


def in_force(rows, kind):
    """The rows of a role that count on a host of this kind at the highest level."""
    return [row for row in rows if kind not in row.get("not_on", ())]


@pytest.fixture
def wrong(checks):
    """A function: kind, sections, roles → the checks of these roles on these sections that do not pass."""

    def asked(kind, sections, role):
        told = {"os": {"container": False}} | sections
        subject = Subject("it", "host", kind, level=HIGHEST)
        collected = Collected(subject, NOW, {name: {"data": data} for name, data in told.items()})
        chosen = [one for one in checks if one.remediation.role == role and section_of(one) in sections]
        found = findings(chosen, [collected], [], NOW)
        assert any(one.verdict is Verdict.PASS for one in found)
        return [(one.check, one.reason) for one in found if one.verdict not in FINE]

    return asked


@pytest.mark.parametrize(
    ("kind", "further"),
    [*((kind, ()) for kind in KINDS), *((kind, ("without",)) for kind in KINDS if kind != "node")],
)
def test_settings_of_the_kernel_whether_ipv6_is_spoken_or_not(kind, further, wrong, defaults):
    told = defaults("kernel")
    lists = ("kernel__sysctls", *(f"kernel__sysctls_{one}_ipv6" for one in ("of", *further)))
    rows = [row for name in lists for row in told[name]]
    settings = {row["name"]: row["value"] for row in in_force(rows, kind)}
    seen = {"kernel.pid_max": "4194304", "kernel.modules_disabled": "1"} | settings
    assert wrong(kind, {"sysctl": seen}, "kernel") == []


@pytest.mark.parametrize("kind", KINDS)
def test_modules_that_are_refused(kind, wrong, defaults):
    rows = in_force(defaults("kernel")["kernel__modules_refused"], kind)
    refused = {row["name"].replace("-", "_"): "/bin/false" for row in rows}
    assert wrong(kind, {"modules": {"loaded": ["ext4"], "install": refused}}, "kernel") == []


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_of_the_start(kind, wrong, defaults):
    rows = in_force(defaults("kernel")["kernel__boot_parameters"], kind)
    chosen = [row for row in rows if row.get("smt", kind == "node") == (kind == "node")]
    args = [f"{row['name']}={row['value']}" for row in chosen]
    assert wrong(kind, {"cmdline": {"args": args}}, "kernel") == []


@pytest.mark.parametrize("kind", KINDS)
def test_options_of_mounts(kind, wrong, defaults):
    told = defaults("filesystems")
    rows = in_force(told["filesystems__mounts"], kind)
    mounts = {row["path"]: {"options": row["options"]} for row in rows}
    mounts[TEMPORARY] = {"options": told["filesystems__tmp_options"]}
    mounts["/proc"] = {"options": ["nosuid", "nodev", "noexec", "hidepid=invisible"]}
    assert wrong(kind, {"mounts": mounts}, "filesystems") == []


@pytest.mark.parametrize("kind", KINDS)
def test_rights_of_files(kind, wrong, defaults):
    files = {
        row["path"].replace("*", "x"): {
            "mode": row["mode"],
            "owner": "root",
            "group": row.get("group", "root"),
        }
        for row in defaults("filesystems")["filesystems__permissions"]
    }
    folder = {"mode": "1777", "owner": "root", "group": "root"}
    assert (
        wrong(kind, {"files": files | {TEMPORARY: folder, f"/var{TEMPORARY}": folder}}, "filesystems") == []
    )


@pytest.mark.parametrize("kind", KINDS)
def test_programs_that_keep_their_rights(kind, wrong, defaults):
    rows = defaults("filesystems")["filesystems__setid_allowed"]
    kept = [row for row in rows if row["until"] == HIGHEST and kind in row.get("only_on", [kind])]
    assert any("only_on" in row for row in kept) == (kind == "node")
    walk = {
        "setuid": [{"path": row["path"], "package": "some"} for row in kept],
        "world_writable_files": [],
        "world_writable_directories": [],
        "ownerless": [],
        "truncated": False,
    }
    assert wrong(kind, {"walk": walk}, "filesystems") == []


@pytest.mark.parametrize("kind", KINDS)
def test_units_that_nobody_needs(kind, wrong, defaults):
    rows = in_force(defaults("services")["services__unneeded"], kind)
    masked = {"load": "masked", "active": "inactive", "sub": "dead", "file_state": "masked"}
    assert wrong(kind, {"units": {row["unit"]: masked for row in rows}}, "services") == []


@pytest.mark.parametrize("kind", ["vm", "host"])
def test_bounds_of_services(kind, wrong, defaults):
    told = defaults("services")
    bounds = {
        row["unit"].replace("@", "@17-main"): told["services__sandbox"] | row["settings"]
        for row in told["services__sandboxes"]
    }
    for one in bounds.values():
        one["CapabilityBoundingSet"] = one.get("CapabilityBoundingSet", "").lower()
    assert wrong(kind, {"exposure": bounds}, "services") == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_ssh_server_allows(kind, wrong, defaults):
    told = defaults("ssh")
    settings = {
        "ciphers": told["ssh__ciphers"],
        "macs": told["ssh__macs"],
        "hostkeyalgorithms": told["ssh__host_key_algorithms"],
        "kexalgorithms": [row["name"] for row in told["ssh__key_exchanges"] if row["level"] >= HIGHEST],
        "maxauthtries": str(told["ssh__max_auth_tries"]),
        "maxsessions": str(told["ssh__max_sessions"]),
        "logingracetime": str(told["ssh__login_grace_seconds"]),
        "clientaliveinterval": str(told["ssh__alive_seconds"]),
        "allowgroups": ["root"],
    }
    found = wrong(kind, {"sshd": settings}, "ssh")
    assert [(name, reason) for name, reason in found if "is not set" not in reason] == []


@pytest.fixture
def written(defaults):
    """A function: role, template, further variables → the lines that the role writes at the highest level."""

    def lines(role, template, **more):
        source = (ROOT / "roles" / role / "templates" / f"{template}.j2").read_text(encoding="utf-8")
        told = {key: one for key, one in defaults(role).items() if "{{" not in str(one)}
        rendered = jinja2.Template(source, trim_blocks=True, autoescape=True).render(told | more)
        return [line for line in rendered.splitlines() if line and line[0] not in "#["]

    return lines


def pairs(lines):
    split = (line.partition("=") for line in lines)
    return {key.strip(): value.strip() if equals else True for key, equals, value in split}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_audit_trail_records(kind, wrong, written):
    rules = written("audit", "etc/audit/rules.d/50-bastide.rules", audit__kind=kind, audit__immutable=True)
    config = pairs(written("audit", "etc/audit/auditd.conf"))
    trail = {"enabled": 2, "lost": 0, "rules": rules, "config": config}
    assert wrong(kind, {"audit": trail}, "audit") == []


def test_what_the_journal_keeps(wrong, written):
    told = pairs(written("audit", "etc/systemd/journald.conf.d/50-bastide.conf", audit__journal_seal=True))
    assert wrong("vm", {"journald": told}, "audit") == []


def test_what_passwords_have_to_be_like(wrong, written):
    told = pairs(written("accounts", "etc/security/pwquality.conf"))
    assert wrong("vm", {"pwquality": told}, "accounts") == []


@pytest.mark.parametrize(
    "name", ["net.ipv4.ip_forward", "kernel.modules_disabled", "net.ipv4.conf.all.rp_filter"]
)
def test_a_node_is_not_asked_what_would_stop_it(name, checks):
    (asked,) = [one for one in checks if one.fact == f'sysctl."{name}"']
    assert "node" not in asked.kinds
    assert asked.kinds
