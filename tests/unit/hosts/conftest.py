"""A host on the loopback: an SSH server whose commands run in a shell of this machine, or answer as told."""

import os
import socket
import subprocess
import threading
from pathlib import Path

import paramiko
import pytest

from provisioner.hosts import connection
from provisioner.model.finding import Subject
from provisioner.model.machine import Machine
from provisioner.model.ssh import Ssh


class Door(paramiko.ServerInterface):
    """Who is let in, and what is asked there."""

    def __init__(self, allowed):
        self.allowed = allowed
        self.command = None
        self.asked = threading.Event()

    def get_allowed_auths(self, _username):
        return "publickey"

    def check_auth_publickey(self, _username, key):
        return paramiko.AUTH_SUCCESSFUL if key == self.allowed else paramiko.AUTH_FAILED

    def check_channel_request(self, _kind, _chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, _channel, command):
        self.command = command.decode()
        self.asked.set()
        return True


class Host:
    """An SSH server; `answer(channel, command)` is what it does when it is asked."""

    def __init__(self, allowed, answer):
        self.key = paramiko.ECDSAKey.generate()
        self.allowed = allowed
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.commands = []
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                way, _ = self.listener.accept()
            except OSError:
                return
            self._visit(way)

    def _visit(self, way):
        transport = paramiko.Transport(way)
        transport.add_server_key(self.key)
        door = Door(self.allowed)
        try:
            transport.start_server(server=door)
            channel = transport.accept(10)
            if channel and door.asked.wait(10):
                self.commands.append(door.command)
                self.answer(channel, door.command)
                channel.close()
                transport.join(20)  # the visitor reads to the end, and leaves
        except (EOFError, OSError, paramiko.SSHException):
            pass  # the visitor left
        finally:
            transport.close()
            transport.join(10)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(30)


@pytest.fixture
def shell():
    """What a host with a PATH does: run the command, and pass on all that is given and said."""
    return _shell


def _shell(path):

    def answer(channel, command):
        given = b"".join(iter(lambda: channel.recv(65536), b""))
        run = subprocess.run(
            ["/bin/sh", "-c", command], input=given, capture_output=True, check=False, env={"PATH": path}
        )
        channel.sendall(run.stdout)
        channel.sendall_stderr(run.stderr)
        channel.send_exit_status(run.returncode)

    return answer


@pytest.fixture
def own_key(tmp_path):
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "key"))
    return key


class Town:
    """An estate's folder with its key and its pinned host keys, and one host called `web`."""

    ssh = Ssh(key="key")
    subject = Subject("web", "host", kind="vm")

    def __init__(self, folder: Path, monkeypatch):
        self.folder = folder
        self.monkeypatch = monkeypatch

    def pin(self, key, name="web", marker=""):
        with (self.folder / "known_hosts").open("a") as file:
            file.write(f"{marker}{name} {key.get_name()} {key.get_base64()}\n")

    def machine(self, host, user="root"):
        self.monkeypatch.setattr(connection, "PORT", host.port)
        return Machine("web", "vm", None, "127.0.0.1", user)


@pytest.fixture
def town(tmp_path, own_key, monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(os, "environ", {**os.environ, "HOME": str(tmp_path)})
    return Town(tmp_path, monkeypatch)


@pytest.fixture
def serve(own_key):
    """Hosts that answer as told; they are gone afterwards."""
    hosts = []

    def served(answer, allowed=None):
        hosts.append(Host(allowed or own_key, answer))
        return hosts[-1]

    yield served
    for host in hosts:
        host.close()


@pytest.fixture
def on_path(tmp_path):
    """A folder of programs: some of this machine's by name, some as scripts."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def put(*names, **scripts):
        for name in names:
            (folder / name).symlink_to(f"/usr/bin/{name}")
        for name, script in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        return str(folder)

    return put
