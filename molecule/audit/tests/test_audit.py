"""Records reach the log host from whoever may send, also over a link that was cut, and bear a seal."""

import os
import time
from pathlib import Path

import pytest
import testinfra

SEALS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "seals"
RECEIVED = "/var/log/remote/audit-12"
PATIENCE = 90  # seconds; RELP tries again after at most a minute
TLS = "openssl s_client -quiet -connect audit-13.lab:2514"
OWN = "-cert /etc/ssl/private/host.pem -key /etc/ssl/private/host.key"


@pytest.fixture
def sender(host):
    """The machine that sends; tests of the way between the two run once."""
    if host.check_output("hostname") != "audit-12":
        pytest.skip("it is the one that receives")
    return host


@pytest.fixture
def receiver(sender):
    return testinfra.get_host("ssh://audit-13", ssh_config=sender.backend.ssh_config)


def count(receiver, mark):
    """How many different lines with the mark were received."""
    found = receiver.run(
        "grep --no-filename --only-matching %s -r /var/log/remote | sort -u", f"{mark} [0-9]*"
    )
    return len(found.stdout.splitlines())


def wait_for(receiver, mark, lines):
    """Whether that many lines with the mark are there before patience ends."""
    end = time.monotonic() + PATIENCE
    while (seen := count(receiver, mark)) < lines and time.monotonic() < end:
        time.sleep(1)
    return seen == lines


def test_a_message_arrives_with_the_address_that_it_came_from(sender, receiver):
    sender.check_output("logger --tag marked arrival 1")
    assert wait_for(receiver, "arrival", 1)
    line = receiver.check_output("grep --no-filename 'arrival 1' -r /var/log/remote")
    address = sender.check_output("hostname --ip-address")
    assert line.split()[1] == address
    assert "audit-12 user.notice marked: arrival 1" in line


def test_a_line_of_a_file_that_nobody_else_sends_arrives_once(sender, receiver):
    sender.check_output("echo 'followed 1' >> /var/log/application.log")
    assert wait_for(receiver, "followed", 1)
    assert receiver.check_output("grep -h 'followed 1' -r /var/log/remote | grep -c application:") == "1"
    assert sender.run("grep -q 'followed 1' /var/log/syslog").rc != 0


def test_nothing_is_lost_when_the_link_is_cut_and_the_sender_restarts_meanwhile(sender, receiver):
    sender.check_output("logger --tag marked before 1")
    assert wait_for(receiver, "before", 1)
    cut = "add table inet cut; add chain inet cut out { type filter hook output priority 0; }; "
    sender.check_output("nft %s", cut + "add rule inet cut out tcp dport 2514 drop")
    try:
        for number in range(300):
            sender.check_output("logger --tag marked cut %s", str(number))
            if number == 150:
                sender.check_output("systemctl restart rsyslog")
        sender.check_output("systemctl restart rsyslog")
        assert count(receiver, "cut") == 0
    finally:
        sender.check_output("nft delete table inet cut")
    assert wait_for(receiver, "cut", 300)


def test_what_travels_is_encrypted_for_the_log_host_alone(sender):
    said = sender.run(f"echo | timeout 10 {TLS} {OWN} -brief -verify_return_error 2>&1").stdout
    assert "Protocol version: TLSv1.3" in said
    assert "Verification: OK" in said
    assert "CN=audit-13" in said.replace(" ", "")


def session(mark):
    """A whole session of RELP with one message, as printf takes it."""
    offers = "relp_version=0\\nrelp_software=scenario\\ncommands=syslog"
    message = f"<13>Nov 22 12:00:00 audit-12 marked: {mark} 1"
    length = len(offers.replace("\\n", "-"))
    return f"1 open {length} {offers}\\n2 syslog {len(message)} {message}\\n"


@pytest.mark.parametrize(
    ("mark", "who", "by"),
    [
        ("invited", "audit-12", f"{TLS} {OWN}"),
        ("no-certificate", "audit-12", TLS),
        ("certificate-of-its-own", "audit-12", f"{TLS} -cert /tmp/own.pem -key /tmp/own.key"),
        ("plain", "audit-12", "nc audit-13.lab 2514"),
        ("good-but-not-named", "audit-13", f"{TLS} {OWN}"),
    ],
)
def test_only_those_named_are_heard_and_only_over_tls(sender, receiver, mark, who, by):
    there = sender if who == "audit-12" else receiver
    forge = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=audit-12"
    there.check_output(f"{forge} -keyout /tmp/own.key -out /tmp/own.pem")
    there.run(f"(printf %s; sleep 2) | timeout 10 {by}", session(mark))
    sender.check_output("logger --tag marked after-%s 1", mark)
    assert wait_for(receiver, f"after-{mark}", 1)
    assert count(receiver, f"marked: {mark}") == (mark == "invited")


def test_only_administrators_read_what_was_received(receiver):
    assert receiver.file("/var/log/remote").mode == 0o750
    assert receiver.check_output(f"find {RECEIVED} -perm /027 -type f ! -perm 0640") == ""
    assert receiver.run(f"runuser -u nobody -- ls {RECEIVED}").rc != 0


@pytest.mark.parametrize(("days", "kept"), [(360, True), (370, False)])
def test_received_records_are_kept_for_a_year(receiver, days, kept):
    folder = "/var/log/remote/old"
    receiver.check_output(f"mkdir {folder} && touch {folder}/2025.log")
    later = f"NO_FAKE_STAT=1 FAKETIME=+{days}d LD_PRELOAD=$(find /usr/lib -name libfaketime.so.1)"
    try:
        receiver.check_output(f"{later} systemd-tmpfiles --clean /etc/tmpfiles.d/bastide-remote.conf")
        assert receiver.file(f"{folder}/2025.log").exists == kept
    finally:
        receiver.check_output(f"rm -rf {folder}")


def test_the_journal_is_on_disk_and_sealed(host):
    machine = host.check_output("cat /etc/machine-id")
    header = host.check_output("journalctl --header --file %s", f"/var/log/journal/{machine}/system.journal")
    assert "SEALED" in header
    assert host.check_output("stat --format %%a %s", f"/var/log/journal/{machine}/fss") in {"600", "640"}


def test_the_seals_verify_with_the_key_that_only_the_controller_has(host):
    key = SEALS / f"{host.check_output('hostname')}.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert SEALS.stat().st_mode & 0o777 == 0o700
    assert host.run("grep -rq %s /root /etc /var/log", key.read_text(encoding="utf-8").strip()).rc != 0
    verify = "journalctl --verify --file %s --verify-key %s"
    journal = f"/var/log/journal/{host.check_output('cat /etc/machine-id')}/system.journal"
    assert host.run(verify, journal, key.read_text(encoding="utf-8").strip()).rc == 0
    other = "000000-000000-000000-000000/1e704e-35a4e900"
    assert host.run(verify, journal, other).rc != 0


def test_this_machine_keeps_no_audit_trail_for_its_kernel_is_another_s(host):
    assert not host.package("auditd").is_installed
