"""What ssh itself makes of options."""

import shutil
import subprocess

import pytest


@pytest.fixture
def ssh_config():
    """A function: the options given to ssh → its settings, as `ssh -G` prints them."""
    if not shutil.which("ssh"):
        pytest.skip("the ssh client is not installed")

    def settings(options):
        command = ["ssh", "-F", "none", "-G", *options, "db.example"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return dict(line.split(" ", 1) for line in printed.splitlines() if " " in line)

    return settings
