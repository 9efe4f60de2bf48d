"""Each machine fetches the other's copy, opens it, and gets nothing else."""

import pytest
import testinfra

OPEN = "age --decrypt --identity /root/.ssh/escrow /root/fetched/host.tar.zst.age | tar --zstd"


@pytest.fixture(scope="module")
def name(host):
    return host.check_output("hostname")


@pytest.fixture(scope="module")
def other(name, request):
    peer = name.replace("12", "13") if "12" in name else name.replace("13", "12")
    return testinfra.get_host(f"ssh://{peer}", ssh_config=request.config.option.ssh_config)


def key(file="visitor"):
    return (
        f"ssh -i /root/.ssh/{file} -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new"
    )


def attempt(machine, command):
    """What came of it. The status is 0 or 1: testinfra takes ssh's 255 for the loss of its own connection."""
    return machine.run(f"({command}) || exit 1")


def fetch(machine, name, what="", file="visitor"):
    return attempt(machine, f"rsync -a -e '{key(file)}' bastide-backup@{name}:{what} /root/fetched/")


def test_what_is_fetched_is_what_the_host_has(host, other, name):
    assert fetch(other, name).succeeded
    listed = other.check_output(f"{OPEN} --list")
    assert {"packages", "disks.json", "etc/shadow", "etc/ssh/ssh_host_ed25519_key"} <= set(
        listed.splitlines()
    )
    there = other.check_output(f"{OPEN} --extract --to-stdout etc/shadow | sha256sum")
    assert there == host.check_output("sha256sum < /etc/shadow")
    assert " age " in other.check_output(f"{OPEN} --extract --to-stdout packages")


def test_a_change_is_in_the_next_copy(host, other, name):
    host.check_output("date +%N > /etc/trial && systemctl start bastide-host-copy.service")
    assert fetch(other, name).succeeded
    there = other.check_output(f"{OPEN} --extract --to-stdout etc/trial")
    assert there == host.check_output("cat /etc/trial")


def test_it_is_made_anew_each_day(host):
    shown = "systemctl show --value --property=ActiveState,NextElapseUSecRealtime bastide-host-copy.timer"
    state, following = sorted(host.check_output(shown).splitlines(), key=len)
    assert state == "active"
    assert "21:30:00" in following


def test_it_is_closed_to_whoever_fetches_it(other, name):
    assert fetch(other, name).succeeded
    closed = other.run(f"{OPEN.replace('escrow', 'visitor')} --list")
    assert closed.failed
    assert "no identity matched" in closed.stderr


@pytest.mark.parametrize("command", ["id", "cat /etc/shadow", "sh -i", "scp -f /etc/passwd"])
def test_the_key_runs_nothing(other, name, command):
    refused = attempt(other, f"{key()} bastide-backup@{name} {command}")
    assert refused.failed
    assert "uid=" not in refused.stdout
    assert "root:" not in refused.stdout
    assert "rrsync" in refused.stderr


def test_the_key_opens_no_shell_and_no_way_through(other, name):
    assert "rrsync" in attempt(other, f"{key()} bastide-backup@{name}").stderr
    assert "SSH-2.0" not in attempt(other, f"sleep 1 | {key()} -W 127.0.0.1:22 bastide-backup@{name}").stdout


@pytest.mark.parametrize("what", ["/etc/shadow", "../../../etc/shadow", "/../../etc/shadow"])
def test_the_key_reads_nothing_else(other, name, what):
    other.check_output("rm -rf /root/fetched")
    refused = fetch(other, name, what)
    assert refused.failed
    assert "publickey" not in refused.stderr  # it came in, and was sent away by what its key is for
    assert not other.file("/root/fetched/shadow").exists


def test_the_key_writes_nothing(host, other, name):
    refused = attempt(other, f"rsync -a -e '{key()}' /etc/hostname bastide-backup@{name}:")
    assert refused.failed
    assert host.check_output("ls /var/backups/bastide") == "host.tar.zst.age"


def test_who_comes_from_elsewhere_or_with_another_key_is_refused(host, other, name):
    host.check_output(
        "install -m 600 /dev/stdin /root/.ssh/stolen <<< %s", other.file("/root/.ssh/visitor").content_string
    )
    for machine, file in ((host, "stolen"), (other, "escrow")):
        assert "Permission denied (publickey" in fetch(machine, name, file=file).stderr


def test_the_account_cannot_change_what_its_key_is_for(host):
    seen = host.run(
        "runuser -u bastide-backup -- sh -c 'echo >> /var/lib/bastide-backup/.ssh/authorized_keys'"
    )
    assert "Permission denied" in seen.stderr
    assert host.user("bastide-backup").gecos != ""
    assert host.user("bastide-backup").password == "*"  # noqa: S105 - none opens it


def test_the_agent_calls_the_hooks(host):
    assert "fsfreeze-hook=/etc/qemu/fsfreeze-hook\n" in host.check_output("qemu-ga --dump-conf") + "\n"


def test_a_freeze_makes_postgresql_write_out_what_it_holds(host):
    if not host.exists("psql"):
        assert host.run("/etc/qemu/fsfreeze-hook freeze && /etc/qemu/fsfreeze-hook thaw").succeeded
        return
    where = "cd / && runuser -u postgres -- psql -XAtc %s"
    last = "SELECT redo_lsn FROM pg_control_checkpoint()"
    host.check_output(where, "CREATE TABLE IF NOT EXISTS trial AS SELECT 1")
    seen = [host.check_output(where, last)]
    for act in ("thaw", "freeze"):
        host.check_output(f"/etc/qemu/fsfreeze-hook {act}")
        seen.append(host.check_output(where, last))
    before, thawed, frozen = seen
    assert before == thawed != frozen
