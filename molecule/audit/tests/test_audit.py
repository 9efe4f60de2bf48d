"""Records reach the log host from whoever may send, also over a link that was cut, and bear a seal."""

import os
import time
from pathlib import Path

import pytest
import testinfra

SEALS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "seals"
RECEIVED = "/var/log/remote"
PATIENCE = 90  # seconds; RELP tries again after at most a minute
TLS = "openssl s_client -quiet -connect audit-13.lab:2514"
OWN = "-cert /etc/ssl/private/host.pem -key /etc/ssl/private/host.key"
RESTART = "systemctl restart rsyslog"
WINDOW = 10  # messages that were sent and not acknowledged when the sender restarted
FORGE = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=audit-12 -keyout /tmp/own.key -out /tmp/own.pem"
CUT = (
    "add table inet cut; add chain inet cut out { type filter hook output priority 0; };"
    " add rule inet cut out tcp dport 2514 drop"
)


@pytest.fixture(scope="module")
def sender(host):
    """The machine that sends; tests of the way between the two run once."""
    if host.check_output("hostname") != "audit-12":
        pytest.skip("it is the one that receives")
    return host


@pytest.fixture(scope="module")
def receiver(sender):
    return testinfra.get_host("ssh://audit-13", ssh_config=sender.backend.ssh_config)


def lines(receiver, mark):
    """The different ends of received lines that begin with the mark."""
    found = receiver.run("grep --no-filename --only-matching --recursive %s %s", f"{mark} [0-9]*", RECEIVED)
    return set(found.stdout.splitlines())


def arrived(receiver, mark, number=1):
    """The lines with the mark, once there are that many or patience ends."""
    end = time.monotonic() + PATIENCE
    while len(found := lines(receiver, mark)) < number and time.monotonic() < end:
        time.sleep(1)
    return found


def test_a_message_arrives_with_the_address_that_it_came_from(sender, receiver):
    sender.check_output("logger --tag marked arrival 1")
    assert arrived(receiver, "arrival")
    line = receiver.check_output("grep --no-filename --recursive 'arrival 1' %s", RECEIVED)
    assert line.split()[1] == sender.check_output("hostname --ip-address")
    assert "audit-12 user.notice marked[-]: arrival 1" in line


def test_a_line_of_a_file_that_nobody_else_sends_arrives_once_and_is_not_kept_twice(sender, receiver):
    sender.check_output("echo 'followed 1' >> /var/log/application.log")
    assert arrived(receiver, "followed")
    assert receiver.check_output("cat %s/*/*.log | grep -cF 'application[-]: followed 1'", RECEIVED) == "1"
    assert sender.run("grep --quiet 'followed 1' /var/log/syslog").rc != 0


@pytest.mark.parametrize(("mark", "meanwhile", "lost"), [("cut", "true", 0), ("restart", RESTART, WINDOW)])
def test_what_is_said_while_the_link_is_cut_arrives_later(sender, receiver, mark, meanwhile, lost):
    say = f"for n in $(seq %s %s); do logger --tag marked {mark} $n; done"
    sender.check_output("nft %s", CUT)
    try:
        sender.check_output(f"{say}; {meanwhile}; {say}", "1", "150", "151", "300")
        assert not lines(receiver, mark)
    finally:
        sender.check_output("nft delete table inet cut")
    assert {f"{mark} {number}" for number in range(151, 301)} <= arrived(receiver, mark, 300 - lost)
    assert len(lines(receiver, mark)) >= 300 - lost


def test_what_travels_is_encrypted_for_the_log_host_alone(sender):
    said = sender.run(f"echo | timeout 10 {TLS} {OWN} -brief -verify_return_error 2>&1").stdout
    assert "Protocol version: TLSv1.3" in said
    assert "Verification: OK" in said
    assert "CN=audit-13" in said.replace(" ", "")


def session(mark, way):
    """A whole session of RELP with one message over that way, as the shell takes it."""
    offers = "relp_version=0\\nrelp_software=scenario\\ncommands=syslog"
    message = f"<13>Nov 22 12:00:00 audit-12 marked: from {mark} 1"
    length = len(offers.replace("\\n", "-"))
    said = f"1 open {length} {offers}\\n2 syslog {len(message)} {message}\\n"
    return f"(printf '{said}'; sleep 2) | timeout 5 {way}"


@pytest.fixture(scope="module")
def heard(sender, receiver):
    """Which of those who tried to tell the log host something were heard."""
    ways = {
        "named": f"{TLS} {OWN}",
        "nobody": TLS,
        "forger": f"{TLS} -cert /tmp/own.pem -key /tmp/own.key",
        "plain": "nc audit-13.lab 2514",
    }
    sender.run(f"{FORGE}; {' & '.join(session(mark, way) for mark, way in ways.items())} & wait")
    receiver.run(session("unnamed", f"{TLS} {OWN}"))
    sender.check_output("logger --tag marked afterwards 1")
    assert arrived(receiver, "afterwards")
    return {line.split()[1] for line in lines(receiver, "from [a-z]*")}


@pytest.mark.parametrize(
    ("who", "is_heard"),
    [("named", True), ("nobody", False), ("forger", False), ("plain", False), ("unnamed", False)],
)
def test_only_those_named_are_heard_and_only_over_tls(heard, who, is_heard):
    assert (who in heard) == is_heard


def test_only_administrators_read_what_was_received(sender, receiver):
    sender.check_output("logger --tag marked private 1")
    assert arrived(receiver, "private")
    found = receiver.check_output("find %s -printf '%%y%%m %%u %%g\\n' | sort -u", RECEIVED)
    assert set(found.splitlines()) == {"d750 root adm", "f640 root adm"}


@pytest.mark.parametrize(("days", "kept"), [(360, True), (370, False)])
def test_received_records_are_kept_for_a_year(receiver, days, kept):
    later = f"NO_FAKE_STAT=1 FAKETIME=+{days}d LD_PRELOAD=$(find /usr/lib -name libfaketime.so.1)"
    clean = f"{later} systemd-tmpfiles --clean /etc/tmpfiles.d/bastide-audit.conf"
    old = f"{RECEIVED}/old"
    seen = receiver.check_output(f"mkdir {old}; touch {old}/2025.log; {clean}; ls {old}; rm -rf {old}")
    assert ("2025.log" in seen) == kept


def test_the_journal_is_on_disk_and_sealed(host):
    machine = host.check_output("cat /etc/machine-id")
    header = host.check_output("journalctl --header --file %s", f"/var/log/journal/{machine}/system.journal")
    assert "SEALED" in header
    assert host.check_output("stat --format %%a %s", f"/var/log/journal/{machine}/fss") in {"600", "640"}


def test_the_seals_verify_with_the_key_that_only_the_controller_has(host):
    file = SEALS / f"{host.check_output('hostname')}.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert SEALS.stat().st_mode & 0o777 == 0o700
    key = file.read_text(encoding="utf-8").strip()
    assert host.run("grep -rq %s /root /etc /var/log", key).rc != 0
    verify = "journalctl --verify --file %s --verify-key %s"
    journal = f"/var/log/journal/{host.check_output('cat /etc/machine-id')}/system.journal"
    assert host.run(verify, journal, key).rc == 0
    assert host.run(verify, journal, f"000000-000000-000000-000000/{key.partition('/')[2]}").rc != 0


def test_a_container_keeps_no_audit_trail_for_its_kernel_is_another_s_and_nothing_has_failed(host):
    assert not host.package("auditd").is_installed
    assert host.check_output("systemctl list-units --failed --plain --no-legend") == ""
