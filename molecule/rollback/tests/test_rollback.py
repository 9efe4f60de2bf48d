"""Every way to lie about who may come in is taken back in time; what was called off stays."""

import subprocess
import time

import pytest

ROLLBACK = "/usr/local/sbin/bastide-rollback"
ACCESS = "nft list ruleset; ls /etc/ssh /etc/ssh/sshd_config.d /etc/pam.d; sshd -T; md5sum /etc/pam.d/*"
WRONG = "/etc/ssh/sshd_config.d/00-wrong.conf"
PATIENCE_SECONDS = 120
LOCKOUTS = {
    "a Match that refuses everybody": (
        f"printf 'Match all\\n  DenyUsers *\\n' > {WRONG} && systemctl reload ssh"
    ),
    "an sshd that does not start": f"echo 'Nonsense yes' > {WRONG} && systemctl stop ssh",
    "a packet filter without port 22": (
        "nft add table inet wrong && nft add chain inet wrong input"
        " '{ type filter hook input priority 0; policy drop; }'"
    ),
    "a PAM stack that denies": "sed -i '1i account required pam_deny.so' /etc/pam.d/sshd",
    "keys that are gone": "mv /etc/ssh/ssh_host_ed25519_key /etc/ssh/gone && systemctl restart ssh",
}


def lets_in(host):
    """Whether a new connection gets in; Testinfra's own goes on over the one that it has."""
    ssh = ("ssh", "-F", host.backend.ssh_config, "-o", "ControlPath=none", "-o", "ConnectTimeout=2")
    knock = (*ssh, "-o", "BatchMode=yes", host.backend.hostname, "true")
    return subprocess.run(knock, capture_output=True, check=False).returncode == 0  # noqa: S603  # our own words


@pytest.fixture
def after(host):
    """Nothing armed afterwards."""
    yield
    host.check_output(f"{ROLLBACK} disarm")


@pytest.mark.usefixtures("after")
def test_a_host_that_is_locked_out_in_every_way_comes_back_by_itself(host):
    before = host.check_output(ACCESS)
    unit = "systemd-run --quiet --collect --on-active=1"  # for it may cut the connection that orders it
    lockouts = " ; ".join(LOCKOUTS.values())
    host.check_output(f'{ROLLBACK} arm 30 && {unit} /bin/sh -c "{lockouts}"')
    deadline = time.monotonic() + PATIENCE_SECONDS
    while lets_in(host):
        assert time.monotonic() < deadline, "it locks nobody out: nothing can be shown"
    while not lets_in(host):
        assert time.monotonic() < deadline, "nobody gets in any more"
        time.sleep(0.5)
    assert host.check_output(ACCESS) == before
    assert host.file("/var/lib/bastide/rollback/happened").exists


@pytest.mark.usefixtures("after")
@pytest.mark.parametrize("lockout", LOCKOUTS.values(), ids=list(LOCKOUTS))
def test_each_lockout_is_taken_back(host, lockout):
    before = host.check_output(ACCESS)
    broken, mended = host.check_output(
        f"{ROLLBACK} arm 600; ({lockout}); ({ACCESS}) 2>&1 | md5sum; {ROLLBACK} run >/dev/null;"
        f" ({ACCESS}) 2>&1 | md5sum"
    ).splitlines()
    assert broken != mended
    assert host.check_output(ACCESS) == before


def test_what_was_called_off_stays(host):
    assert "logingracetime 77" in host.check_output("sshd -T")
    assert not host.service("bastide-rollback.timer").is_running
    assert not host.file("/var/lib/bastide/rollback").exists


@pytest.mark.usefixtures("after")
def test_arming_twice_keeps_the_state_before_the_first(host):
    host.check_output(f"{ROLLBACK} arm 600")
    host.check_output("echo 'LoginGraceTime 33' > /etc/ssh/sshd_config.d/10-later.conf")
    host.check_output(f"{ROLLBACK} arm 600")
    host.check_output(f"{ROLLBACK} run")
    assert not host.file("/etc/ssh/sshd_config.d/10-later.conf").exists


@pytest.mark.usefixtures("after")
def test_a_reboot_in_between_does_not_call_it_off(host):
    host.check_output(f"{ROLLBACK} arm 600")
    assert host.service("bastide-rollback.timer").is_enabled
