"""Virtual machines: what needs no virtual machine to be proved."""

import json
import socket
import subprocess
import threading

import pytest

from lab import ssh_config
from lab.errors import LabError, LabRefused
from lab.hosts import names
from lab.vm import machine, monitor
from lab.vm.disk import Image
from lab.vm.qemu import Wiring, system


def settings(file, name):
    printed = subprocess.run(
        ["ssh", "-F", file, "-G", name], check=True, capture_output=True, text=True
    ).stdout
    return dict(line.split(" ", 1) for line in printed.splitlines() if " " in line)


def test_ssh_reads_the_file_that_leads_to_a_machine(tmp_path):
    folder = tmp_path / "two words"
    folder.mkdir()
    file = ssh_config.write(folder, {"db": ("10.1.2.3", 2222)}, alias="all")
    seen = settings(file, "db")
    assert (seen["hostname"], seen["port"], seen["user"]) == ("10.1.2.3", "2222", "root")
    assert (seen["hostkeyalias"], seen["stricthostkeychecking"]) == ("all", "true")
    assert seen["userknownhostsfile"].strip('"') == f"{folder}/known_hosts"
    assert seen["identityfile"] == f"{folder}/id_ed25519"


def test_machines_with_keys_of_their_own_are_pinned_under_their_names(tmp_path):
    file = ssh_config.write(tmp_path, {"debian-12": ("10.1.2.3", 22), "debian-13": ("10.1.2.4", 22)})
    assert [settings(file, name)["hostkeyalias"] for name in ("debian-12", "debian-13")] == [
        "debian-12",
        "debian-13",
    ]


def test_a_virtual_machine_is_reached_from_this_machine_alone(tmp_path):
    command = system(Image(tmp_path), Wiring("one", tmp_path, 22601))
    assert "user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:22601-:22" in command


def test_a_machine_is_found_by_its_whole_name_in_the_list_of_processes():
    # Any process will do whose arguments are those of a QEMU of ours.
    command = ["python3", "-c", "import time; time.sleep(60)", "-name", names.machine("vm-probe"), "-machine"]
    with subprocess.Popen(command) as running:
        try:
            assert machine.running("probe") == (running.pid,)
            assert machine.running("prob") == ()
        finally:
            running.kill()


def greet(server):
    channel, _ = server.accept()
    with channel:
        channel.sendall(b"SSH-2.0-other\r\n")


def test_a_port_that_answers_already_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        greeter = threading.Thread(target=greet, args=(server,))
        greeter.start()
        with pytest.raises(LabRefused, match="something answers at port"):
            machine.check_free(machine.Vm("none", tmp_path, server.getsockname()[1]))
        greeter.join()


def served(path, *answers):
    """A QEMU that greets and then gives these answers, one to each command, with an event before each."""
    server = socket.create_server(str(path), family=socket.AF_UNIX)

    def serve():
        channel, _ = server.accept()
        with server, channel, channel.makefile("rw", encoding="utf-8") as lines:
            print(json.dumps({"QMP": {}}), file=lines, flush=True)
            for answer in ({"return": {}}, *answers):
                lines.readline()
                print(json.dumps({"event": "RESUME"}), file=lines, flush=True)
                print(json.dumps(answer), file=lines, flush=True)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_events_are_not_taken_for_answers(tmp_path):
    thread = served(tmp_path / "monitor", {"return": ""}, {"return": {}})
    monitor.ask(tmp_path / "monitor", monitor.save("booted"), monitor.QUIT)
    thread.join()


@pytest.mark.parametrize(
    "refusal",
    [{"return": "Error: no space left"}, {"error": {"class": "GenericError", "desc": "no space left"}}],
)
def test_a_refusal_of_either_monitor_is_said(tmp_path, refusal):
    thread = served(tmp_path / "monitor", refusal)
    with pytest.raises(LabError, match="no space left"):
        monitor.ask(tmp_path / "monitor", monitor.save("booted"))
    thread.join()


def test_a_machine_that_is_gone_is_said(tmp_path):
    with pytest.raises(LabError, match="does not answer"):
        monitor.ask(tmp_path / "monitor", monitor.QUIT)
