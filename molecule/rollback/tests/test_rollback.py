"""Every way to lie about who may come in is taken back in time; what was called off stays."""

import subprocess
import time

import pytest

ROLLBACK = "/usr/local/sbin/bastide-rollback"
# All that says who may come in, and what loads it at boot.
ACCESS = """
nft list ruleset; sshd -T
find /etc/ssh /etc/pam.d /etc/security /etc/sudoers.d /var/lib/pam /usr/share/pam-configs \\
    -type f -printf '%p %m %u:%g\\n' -exec md5sum {} + | sort
getent passwd; getent shadow; getent group; cat /root/.ssh/authorized_keys
stat --format='%U:%G %a' /usr/bin/sudo; dpkg-statoverride --list
systemctl is-active bastide-firewall; ls /etc/systemd/system/*/bastide-*
"""
PATIENCE_SECONDS = 120
LOCK_OUT = f"""
# a packet filter without port 22
nft add table inet wrong
nft add chain inet wrong input '{{ type filter hook input priority 0; policy drop; }}'
# one that comes back at boot
mkdir -p /etc/bastide && echo 'table inet bastide' > /etc/bastide/firewall.nft
cat > /etc/systemd/system/bastide-firewall.service << END
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/bastide/firewall.nft
[Install]
WantedBy=sysinit.target nftables.service
END
systemctl enable --quiet --now bastide-firewall
# an sshd that refuses everybody, has lost a key and does not start
printf 'Match all\\n  DenyUsers *\\n' > /etc/ssh/sshd_config.d/00-wrong.conf
mv /etc/ssh/ssh_host_ed25519_key /etc/ssh/gone
echo 'Nonsense yes' > /etc/ssh/sshd_config.d/01-wrong.conf
systemctl stop ssh
# a stack of PAM that denies, changed by hand and composed
sed -i '1i account required pam_deny.so' /etc/pam.d/sshd
cat > /usr/share/pam-configs/deny << END
Name: Deny
Default: yes
Priority: 999
Account-Type: Primary
Account:
 required pam_deny.so
END
DEBIAN_FRONTEND=noninteractive pam-auth-update --enable deny
# no key for root, whose account has ended, and a stranger in its place
: > /root/.ssh/authorized_keys
usermod --expiredate 1970-01-02 root
useradd stranger
# a sudo that nobody may start and that allows nothing
dpkg-statoverride --update --add root nogroup 4750 /usr/bin/sudo
echo 'ALL ALL=(ALL) !ALL' > /etc/sudoers.d/zz-wrong

({ACCESS}) > /run/broken
# now, however long that took
{ROLLBACK} arm 12
"""
BROKEN = (
    "table inet wrong",
    "table inet bastide",
    "sysinit.target.wants/bastide-firewall",
    "/etc/ssh/sshd_config.d/01-wrong.conf",
    "/etc/ssh/gone",
    "/usr/share/pam-configs/deny",
    "stranger",
    "root:nogroup 4750",
    "/etc/sudoers.d/zz-wrong",
)


def ssh(host, command, *options):
    """A command over Testinfra's connection, unless the options say otherwise."""
    return ("ssh", "-F", host.backend.ssh_config, *options, host.backend.hostname, command)


def lets_in(host):
    """Whether a new connection gets in, and not only when what holds it up is gone."""
    knock = ssh(host, "true", "-o", "ControlPath=none", "-o", "ConnectTimeout=2", "-o", "BatchMode=yes")
    try:
        return subprocess.run(knock, capture_output=True, check=False, timeout=6).returncode == 0  # noqa: S603
    except subprocess.TimeoutExpired:
        return False


def state(host):
    """What the host says of the rollback when nothing is under way."""
    return host.check_output(f"flock /run/bastide-rollback.lock {ROLLBACK} state")


@pytest.fixture
def after(host):
    """Nothing armed afterwards."""
    yield
    host.check_output(f"{ROLLBACK} disarm")


@pytest.mark.usefixtures("after")
def test_a_host_that_is_locked_out_in_every_way_comes_back_by_itself(host):
    before = host.run(ACCESS).stdout
    host.check_output(f"printf '%%s' %s > /run/lock-out && {ROLLBACK} arm 600", LOCK_OUT)
    # By a unit and without waiting for the answer: it cuts the connection that orders it.
    with subprocess.Popen(ssh(host, "systemd-run --quiet --collect /bin/sh /run/lock-out")):  # noqa: S603
        deadline = time.monotonic() + PATIENCE_SECONDS
        while lets_in(host):
            assert time.monotonic() < deadline, "it locks nobody out: nothing can be shown"
        while not lets_in(host) or state(host) == "armed":
            assert time.monotonic() < deadline, "nobody gets in any more"
            time.sleep(0.5)
    assert state(host) == "happened"
    assert host.run(ACCESS).stdout == before
    broken = host.file("/run/broken").content_string
    assert [word for word in BROKEN if word not in broken or word in before] == []


def test_what_was_called_off_stays(host):
    assert "logingracetime 77" in host.check_output("sshd -T")
    assert state(host) == "none"
    assert not host.service("bastide-rollback.timer").is_running
    assert not host.file("/var/lib/bastide/rollback").exists


@pytest.mark.usefixtures("after")
def test_arming_twice_keeps_the_state_before_the_first_until_it_was_put_back(host):
    late, later = (f"/etc/ssh/sshd_config.d/10-{word}.conf" for word in ("late", "later"))
    host.check_output(f"{ROLLBACK} arm 600; touch {late}; {ROLLBACK} arm 600; {ROLLBACK} run")
    assert not host.file(late).exists
    host.check_output(f"touch {late}; {ROLLBACK} arm 600; touch {later}; {ROLLBACK} run")
    assert not host.file(later).exists
    assert host.file(late).exists
    host.check_output(f"rm {late}")


@pytest.mark.usefixtures("after")
def test_what_a_package_brought_since_stays(host):
    host.check_output(
        f"mv /etc/pam.d/sudo /root; {ROLLBACK} arm 600; mv /root/sudo /etc/pam.d; {ROLLBACK} run"
    )
    assert host.file("/etc/pam.d/sudo").exists


@pytest.mark.usefixtures("after")
def test_a_reboot_in_between_does_not_call_it_off(host):
    host.check_output(f"{ROLLBACK} arm 600")
    assert host.service("bastide-rollback.timer").is_enabled
