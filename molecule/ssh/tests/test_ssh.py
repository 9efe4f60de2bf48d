"""Who comes in and who does not, tried from the other machine, and what a scanner finds."""

import json
import subprocess
import sys

import pytest
import testinfra

CLIENT = "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=10"
WITH_KEY = f"{CLIENT} -i /root/.ssh/trial"
PASSWORD = "Vent-Du-Sud-1972!"  # noqa: S105 - made up, for machines that live for a minute


@pytest.fixture(scope="module")
def name(host):
    return host.check_output("hostname")


@pytest.fixture(scope="module")
def other(host, name, request):
    """The other machine, with a key that root, `soignant` and `visiteur` of this one know."""
    peer = name.replace("12", "13") if "12" in name else name.replace("13", "12")
    found = testinfra.get_host(f"ssh://{peer}", ssh_config=request.config.option.ssh_config)
    authorise(host, make_key(found, "/root/.ssh/trial"), "root", "soignant", "visiteur")
    return found


def make_key(machine, file):
    return machine.check_output(f"[ -e {file} ] || ssh-keygen -q -t ed25519 -N '' -f {file}; cat {file}.pub")


def authorise(machine, public_key, *users):
    for user in users:
        folder = machine.user(user).home + "/.ssh"
        machine.check_output(f"install -d -m 700 -o {user} {folder}")
        machine.check_output(f"echo '{public_key}' >> {folder}/authorized_keys")


def attempt(machine, command):
    """What came of it. The status is 0 or 1: testinfra takes ssh's 255 for the loss of its own connection."""
    return machine.run(f"({command}) || exit 1")


def settings(host, address="192.0.2.1"):
    """What sshd would do for root who comes from this address."""
    shown = host.check_output("sshd -T -C user=root,host=%s,addr=%s", address, address)
    return dict(line.split(" ", 1) for line in shown.splitlines())


def test_a_key_opens_a_session(other, name):
    assert other.check_output(f"{WITH_KEY} soignant@{name} id -un") == "soignant"
    assert other.check_output(f"{WITH_KEY} root@{name} id -un") == "root"


@pytest.mark.parametrize("user", ["visiteur", "personne"])
def test_whoever_is_in_no_allowed_group_or_does_not_exist_is_refused_in_the_same_words(other, name, user):
    refused = attempt(other, f"{WITH_KEY} {user}@{name} id -un")
    assert refused.failed
    assert f"{user}@{name}: Permission denied (publickey)." in refused.stderr


def test_the_right_password_opens_nothing_here_although_it_would_elsewhere(host):
    host.check_output("echo soignant:%s | chpasswd", PASSWORD)
    host.check_output("echo '#!/bin/sh\necho %s' > /root/answer && chmod 700 /root/answer", PASSWORD)
    host.check_output("/usr/sbin/sshd -f /dev/null -h /etc/ssh/ssh_host_ed25519_key -p 2222 -o UsePAM=yes")
    login = (
        "SSH_ASKPASS=/root/answer SSH_ASKPASS_REQUIRE=force ssh -o StrictHostKeyChecking=accept-new"
        " -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 -l soignant"
    )
    elsewhere, here = (
        attempt(host, f"{login} -p 2222 127.0.0.1 id -un"),
        attempt(host, f"{login} 127.0.0.1 id -un"),
    )
    host.check_output("pkill -f -- '-p 222[2]'")
    assert elsewhere.stdout.strip() == "soignant"
    assert here.failed
    assert "Permission denied (publickey)." in here.stderr


@pytest.mark.parametrize(
    "old", ["KexAlgorithms=curve25519-sha256", "KexAlgorithms=ecdh-sha2-nistp256", "Ciphers=aes128-cbc"]
)
def test_old_algorithms_find_no_match(other, name, old):
    refused = attempt(other, f"{WITH_KEY} -o {old} soignant@{name} true")
    assert refused.failed
    assert "no matching" in refused.stderr


def test_ssh_audit_has_nothing_to_say(host):
    address = host.check_output("hostname -I").split()[0]
    command = [sys.executable, "-m", "ssh_audit", "--json", "--skip-rate-test", address]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - fixed
    seen = json.loads(done.stdout)
    notes = [row["notes"] for kind in ("kex", "key", "enc", "mac") for row in seen[kind]]
    assert len(notes) > 6
    assert not [note for note in notes if note.get("fail") or note.get("warn")]
    assert done.returncode == 0


def test_sockets_are_forwarded_for_peers_and_for_nobody_else(host, other, name):
    forward = "-o ExitOnForwardFailure=yes -R /root/forwarded.sock:127.0.0.1:9"
    assert attempt(other, f"{WITH_KEY} {forward} root@{name} true").succeeded
    host.check_output("rm -f /root/forwarded.sock")
    authorise(host, make_key(host, "/root/.ssh/own"), "root")
    own = f"{CLIENT} -i /root/.ssh/own"
    assert attempt(host, f"{own} root@127.0.0.1 true").succeeded
    refused = attempt(host, f"{own} {forward} root@127.0.0.1 true")
    assert refused.failed
    assert "remote port forwarding failed" in refused.stderr


def test_ports_are_forwarded_for_peers_and_for_nobody_else(host, other, name):
    greeting = attempt(other, f"sleep 2 | {WITH_KEY} -W 127.0.0.1:22 root@{name}").stdout
    assert greeting.startswith("SSH-2.0-OpenSSH")
    assert settings(host)["allowtcpforwarding"] == "no"
    assert settings(host)["allowagentforwarding"] == "no"


def test_the_log_says_which_key_came_in(host, other, name):
    fingerprint = other.check_output("ssh-keygen -lf /root/.ssh/trial.pub").split()[1]
    other.check_output(f"{WITH_KEY} soignant@{name} true")
    assert f"ED25519 {fingerprint}" in host.check_output(
        "journalctl -u ssh -g 'Accepted publickey for soignant'"
    )


def test_the_same_policy_is_in_force_whoever_comes(host):
    for seen in (settings(host), settings(host, host.check_output("hostname -I").split()[0])):
        assert seen["permitrootlogin"] == "without-password"
        assert seen["authenticationmethods"] == "publickey"
        assert seen["maxauthtries"] == "3"
        assert seen["logingracetime"] == "30"
        assert seen["loglevel"] == "VERBOSE"
        assert seen["x11forwarding"] == "no"


def test_what_the_distribution_says_after_our_drop_in_still_holds(host):
    assert settings(host)["subsystem"] == "sftp /usr/lib/openssh/sftp-server"
    assert settings(host)["printmotd"] == "no"


def test_no_weak_group_is_left_for_diffie_hellman(host):
    file = settings(host)["modulifile"]
    sizes = {int(size) for size in host.check_output("awk '!/^#/ {print $5}' %s", file).split()}
    assert min(sizes) >= 3071


def test_a_short_rsa_key_is_refused_except_on_a_node_whose_own_may_be_one(host, name):
    host.check_output("[ -e /root/short ] || ssh-keygen -q -t rsa -b 2048 -N '' -f /root/short")
    authorise(host, host.check_output("cat /root/short.pub"), "root")
    comes_in = attempt(host, f"{CLIENT} -o IdentitiesOnly=yes -i /root/short root@127.0.0.1 true").succeeded
    assert comes_in is name.endswith("13")


def test_a_client_learns_the_next_host_keys_while_the_pinned_one_still_counts(other, name):
    known = "/root/known_by_trial"
    visit = f"{WITH_KEY} -o UserKnownHostsFile={known} -o UpdateHostKeys=yes soignant@{name} sleep 1"
    other.check_output(f"rm -f {known}; {visit}; {visit}")  # the second: nobody learns from a stranger
    kinds = [line.split()[1] for line in other.check_output(f"cat {known}").splitlines()]
    generations = 2 if name.endswith("12") else 1
    assert kinds.count("ssh-ed25519") == kinds.count("ssh-rsa") == generations
