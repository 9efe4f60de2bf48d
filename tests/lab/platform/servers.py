"""A PostgreSQL on a Unix socket and the application on loopback, both the real servers."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import requests

PLATFORM = Path(__file__).parents[3] / "lab" / "platform"
PATIENCE_SECONDS = 30


def postgres_tool(name):
    """Debian keeps the server's own tools outside of PATH."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(beside[-1]) if beside else shutil.which(name)


@contextmanager
def as_postgres():
    """A folder and the words that begin a command: a server of PostgreSQL refuses to run as root."""
    with TemporaryDirectory(prefix="bastide-pg-") as folder:
        if os.geteuid() != 0:
            yield Path(folder), ()
            return
        shutil.chown(folder, "postgres")
        yield Path(folder), ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--")


class Postgres:
    """A cluster of its own, started and killed by the test."""

    def __init__(self, folder, prefix):
        self.folder, self.prefix = folder, prefix
        self.conninfo = f"host={folder} user=postgres dbname=postgres"
        self.process = None
        made = (postgres_tool("initdb"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale")
        subprocess.run([*prefix, *made, "-D", folder / "data"], check=True, capture_output=True)

    def start(self):
        words = ("-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=")
        self.process = subprocess.Popen(
            [*self.prefix, postgres_tool("postgres"), *words], stderr=subprocess.DEVNULL, cwd=self.folder
        )
        wait_until(self.answers)

    def answers(self):
        with suppress(psycopg.OperationalError), self.connect():
            return True
        return False

    def connect(self):
        return psycopg.connect(self.conninfo, autocommit=True)

    def stop(self):
        """As after a power cut: PostgreSQL's immediate shutdown."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(PATIENCE_SECONDS)


class Application:
    """gunicorn and the application on a port of 127.0.0.1."""

    def __init__(self, conninfo, *options):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.options = options
        self.environment = {
            **os.environ, "DPI_DATABASE": conninfo, "DPI_SITE": "carpentras",
            "DPI_TITLE": "Clinique de Carpentras", "PYTHONPATH": str(PLATFORM),
        }  # fmt: skip
        self.process = None

    def start(self):
        words = (
            "--bind",
            f"127.0.0.1:{self.port}",
            "--workers",
            "1",
            "--threads",
            "4",
            "--no-control-socket",
            *self.options,
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *words, "dpi.app:create_app()"],
            env=self.environment, start_new_session=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self.answers)

    def answers(self):
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
            return True
        return False

    def get(self, path, **more):
        return requests.get(self.url + path, timeout=10, **more)

    def post(self, path, **more):
        return requests.post(self.url + path, timeout=10, allow_redirects=False, **more)

    def kill(self):
        """SIGKILL for the server and all its workers, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until(true):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"{true.__qualname__} did not come true"
        time.sleep(0.05)
