"""Hosts are looked at over SSH: good ones, and all that can be wrong with them."""

import json
import sys
import threading
from datetime import UTC, datetime, timedelta

import paramiko
import pytest

from provisioner.hosts import collect as room
from provisioner.hosts.collect import Target, collect, understood
from provisioner.hosts.connection import Answer, HostKey, Trouble, pinned

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FACTS = {
    "format": "bastide-facts/1",
    "collected_at": "2026-11-22T12:00:00Z",
    "seconds": 0.1,
    "sections": {"os": {"data": {"id": "debian"}}, "lsm": {"error": "no securityfs"}, "pve": {"data": None}},
    "raw": {"/proc/cmdline": "quiet"},
}


def said(facts):
    return json.dumps(facts).encode() + b"\n"


def answers(text, err="", code=0):
    def answer(channel, command):
        while channel.recv(65536):
            pass
        channel.sendall(text)
        channel.sendall_stderr(err.encode())
        channel.send_exit_status(code)

    return answer


def look(town, host, user="root", tell=None):
    target = Target(town.machine(host, user), town.subject)
    (found,) = collect([target], town.ssh, town.folder, tell or (lambda _: None), now=lambda: NOW)
    return found


def test_a_host_that_answers_has_its_sections_and_what_they_rest_on(town, serve):
    host = serve(answers(said(FACTS)))
    town.pin(host.key)
    lines = []
    found = look(town, host, tell=lines.append)
    assert found.trouble == ""
    assert found.at == NOW
    assert found.sections["lsm"] == {"error": "no securityfs"}
    assert found.sections["pve"] == {"data": None}
    assert found.raw == {"/proc/cmdline": "quiet"}
    assert lines == ["web: looked at, 1 of 3 sections could not be"]


def test_the_program_is_run_at_the_lowest_priority(town, serve, on_path, shell):
    path = on_path("nice", "ionice", python3=f'exec {sys.executable} "$@"')
    host = serve(shell(path))
    town.pin(host.key)
    town.monkeypatch.setattr(room, "program", lambda: PROGRAM)
    found = look(town, host)
    assert found.trouble == ""
    assert found.sections["os"]["data"]["niceness"] == 19
    assert host.commands == ["exec nice -n 19 ionice -c 3 python3 -ISB -X utf8 -"]


PROGRAM = """
import json, os, time
at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
sections = {"os": {"data": {"niceness": os.nice(0)}}}
print(json.dumps({"format": "bastide-facts/1", "collected_at": at, "sections": sections, "raw": {}}))
"""


def test_who_is_not_root_asks_sudo_and_never_for_a_password(town, serve, on_path, shell):
    sudo = '[ "$1" = -n ] || exit 9; shift; exec "$@"'
    path = on_path("nice", "ionice", python3=f'exec {sys.executable} "$@"', sudo=sudo)
    host = serve(shell(path))
    town.pin(host.key)
    town.monkeypatch.setattr(room, "program", lambda: PROGRAM)
    found = look(town, host, user="admin")
    assert found.trouble == ""
    assert "os" in found.sections


def test_sudo_that_wants_a_password_is_said(town, serve, on_path, shell):
    path = on_path("nice", "ionice", sudo="echo 'sudo: a password is required' >&2; exit 1")
    host = serve(shell(path))
    town.pin(host.key)
    found = look(town, host, user="admin")
    assert found.trouble == "sudo refuses to run python3 without a password: sudo: a password is required"
    assert found.sections == {}


def test_a_host_without_python_is_said(town, serve, on_path, shell):
    host = serve(shell(on_path("nice", "ionice")))
    town.pin(host.key)
    assert look(town, host).trouble.startswith("python3 is not installed there")


def test_what_a_shell_prints_before_the_answer_does_no_harm(town, serve):
    host = serve(answers(b"Welcome to web!\n" + said(FACTS)))
    town.pin(host.key)
    assert look(town, host).trouble == ""


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        (
            b"\x1b[31mthis account is closed\x00",
            "something else than facts (exit code 1):  [31mthis account is",
        ),
        (said(FACTS)[:-40], "breaks off or is garbled"),
        (said({**FACTS, "sections": []}), "breaks off or is garbled"),
        (said({**FACTS, "sections": {"os": {}}}), "breaks off or is garbled"),
        (said({**FACTS, "sections": {"os": {"data": 1, "error": "both"}}}), "breaks off or is garbled"),
        (said({**FACTS, "raw": None}), "breaks off or is garbled"),
        (said({**FACTS, "collected_at": "yesterday"}), "breaks off or is garbled"),
        (said({**FACTS, "format": "bastide-facts/2"}), "something else than facts"),
        (b'{"format": "bastide-facts/1"' + b', "a": [' * 200_000, "breaks off or is garbled"),
    ],
    ids=["words", "cut", "list", "empty", "both", "no-raw", "no-time", "newer", "deep"],
)
def test_garbage_is_no_answer(town, serve, text, trouble):
    host = serve(answers(text, code=1))
    town.pin(host.key)
    found = look(town, host)
    assert trouble in found.trouble
    assert found.sections == {}


def test_an_endless_answer_is_not_listened_to_for_long(town, serve):
    sent = 0
    left = threading.Event()

    def answer(channel, command):
        nonlocal sent
        try:
            while sent < 2_000_000_000:
                sent += channel.send(b"0123456789abcdef" * 2048)
        finally:
            left.set()

    host = serve(answer)
    town.pin(host.key)
    found = look(town, host)
    assert found.trouble == f"it answered more than {room.LONGEST} bytes, and was not listened to any longer"
    assert left.wait(20)
    assert sent < 10 * room.LONGEST


def test_a_host_that_never_answers_is_left(town, serve):
    over = threading.Event()
    host = serve(lambda *_: over.wait(20))
    town.pin(host.key)
    town.monkeypatch.setattr(room, "SECONDS", 0.2)
    found = look(town, host)
    over.set()
    assert found.trouble == "it did not come to an end within 0.2 seconds"


def test_a_host_that_hangs_up_is_said(town, serve):
    host = serve(lambda *_: None)
    town.pin(host.key)
    assert look(town, host).trouble in {
        "it ended the connection without an answer",
        "the connection broke: Socket is closed",
    }


def test_another_host_key_than_the_pinned_one_ends_it_before_a_login(town, serve):
    host = serve(answers(said(FACTS)))
    town.pin(paramiko.ECDSAKey.generate())
    found = look(town, host)
    assert "another host key than the one that is pinned, SHA256:" in found.trouble
    assert host.commands == []


def test_a_host_without_the_pinned_type_of_key_is_not_spoken_to(town, serve):
    host = serve(answers(said(FACTS)))
    town.pin(paramiko.RSAKey.generate(2048))
    assert "no host key as the pinned one" in look(town, host).trouble
    assert host.commands == []


def test_a_host_that_nobody_pinned_is_not_spoken_to(town, serve):
    host = serve(answers(said(FACTS)))
    town.pin(host.key, name="db")
    assert look(town, host).trouble.startswith("no host key is pinned for web in ")
    (town.folder / "known_hosts").unlink()
    assert "known_hosts: No such file" in look(town, host).trouble


def test_a_revoked_host_key_pins_nothing(town, serve):
    host = serve(answers(said(FACTS)))
    town.pin(host.key)
    town.pin(host.key, name="*", marker="@revoked ")
    assert look(town, host).trouble.startswith("no host key is pinned for web")


def test_a_refused_login_is_said_with_the_user(town, serve):
    host = serve(answers(said(FACTS)), allowed=paramiko.ECDSAKey.generate())
    town.pin(host.key)
    assert look(town, host, user="admin").trouble == "it refuses the login of admin with the key"


def test_a_key_that_cannot_be_read_is_said(town, serve):
    host = serve(answers(said(FACTS)))
    town.pin(host.key)
    (town.folder / "key").write_text("no key")
    assert "key is no private key that can be used" in look(town, host).trouble
    (town.folder / "key").unlink()
    assert "our key " in look(town, host).trouble


def test_a_host_that_is_down_does_not_stop_the_others(town, serve):
    up = serve(answers(said(FACTS)))
    town.pin(up.key)
    good = town.machine(up)
    bad = type(good)("web", "vm", None, "127.0.0.2", "root")
    lines = []
    found = collect(
        [Target(bad, town.subject), Target(good, town.subject)],
        town.ssh,
        town.folder,
        lines.append,
        now=lambda: NOW,
    )
    assert "cannot be reached: Connection refused" in found[0].trouble
    assert found[1].trouble == ""
    assert len(lines) == 2


def test_something_that_does_not_speak_ssh_is_said(town, serve):
    host = serve(answers(b""))
    town.pin(host.key)
    host._visit = lambda way: (way.sendall(b"HTTP/1.1 400 Bad Request\r\n" * 200), way.close())
    assert "does not speak SSH" in look(town, host).trouble
    host._visit = lambda way: (way.sendall(b"SSH-2.0-x\r\n" + bytes(range(256)) * 300), way.close())
    assert look(town, host).trouble
    assert host.commands == []


def test_a_pin_that_cannot_be_read_is_trouble_of_that_host(town, serve):
    host = serve(answers(said(FACTS)))
    (town.folder / "known_hosts").write_text("|1|no|base64 ssh-rsa AAAA\n")
    assert look(town, host).trouble
    assert host.commands == []


@pytest.mark.parametrize("off", [timedelta(minutes=-30), timedelta(), timedelta(hours=2)])
def test_a_clock_that_is_off_is_told_and_noted(town, serve, off):
    there = (NOW + off).strftime("%Y-%m-%dT%H:%M:%SZ")
    host = serve(answers(said({**FACTS, "collected_at": there})))
    town.pin(host.key)
    lines = []
    found = look(town, host, tell=lines.append)
    noted = found.sections["os"]["data"]["clock_offset_seconds"]
    assert abs(noted - off.total_seconds()) <= 1
    told = {-1800: "30 minutes behind", 0: "", 7200: "120 minutes ahead"}[int(off.total_seconds())]
    assert told in lines[0]
    assert ("clock" in lines[0]) is bool(told)


def test_the_time_of_an_answer_counts_as_right_while_it_was_under_way():
    facts = {**FACTS, "collected_at": "2026-11-22T12:00:20Z"}
    seen = understood(Answer(said(facts), "", 0), NOW, NOW + timedelta(seconds=40))
    assert seen.clock_off == timedelta()


def test_pins_are_found_under_hashed_names_and_several_of_one_type_count():
    hashed = paramiko.HostKeys.hash_host("web")
    text = f"# web ssh-rsa A0\n{hashed} ssh-ed25519 A1 old\nweb,10.0.0.1 ssh-ed25519 A2\n*  ssh-rsa A3\n"
    assert pinned(text, "web") == (HostKey("ssh-ed25519", "A1"), HostKey("ssh-ed25519", "A2"))


def test_trouble_while_telling_ends_all_connections(town, serve):
    over = threading.Event()
    slow, quick = serve(lambda *_: over.wait(20)), serve(answers(said(FACTS)))
    town.pin(quick.key, name="quick")
    town.pin(slow.key)
    machine = town.machine(slow)

    def stop(line):
        raise KeyboardInterrupt

    missing = type(machine)("nowhere", "vm", None, "127.0.0.1", "root")
    with pytest.raises(KeyboardInterrupt):
        collect(
            [Target(missing, town.subject), Target(machine, town.subject)],
            town.ssh,
            town.folder,
            stop,
            now=lambda: NOW,
        )
    over.set()


def test_an_answer_that_is_none_is_trouble():
    with pytest.raises(Trouble, match="without an answer"):
        understood(Answer(b"", "", None), NOW, NOW)
