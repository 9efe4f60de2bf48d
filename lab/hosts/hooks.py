"""Hookscripts: what a node runs as its guests start and stop (PVE/GuestHelpers.pm, exec_hookscript)."""

import subprocess

from lab.errors import LabError
from lab.hosts import host
from lab.hosts.guest import Guest
from lab.hosts.topology import Site

PRE_START, POST_START, PRE_STOP, POST_STOP = "pre-start", "post-start", "pre-stop", "post-stop"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The script that every node is born with; it only tells that it was there.
EXAMPLE = "bastide-hook.pl"
EXAMPLE_TEXT = r"""#!/usr/bin/perl

# Writes down each phase of a guest's life: hookscript: local:snippets/bastide-hook.pl

use strict;
use warnings;

my ($vmid, $phase) = @ARGV;

print "guest $vmid: $phase\n";
open(my $log, '>>', '/var/log/bastide-hook.log') or die "the log cannot be written: $!\n";
print $log time() . " $vmid $phase\n";
"""


class Hooks:
    """Runs the hookscripts of a site's guests, each on the node that its guest is on."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def before_start(self, guest: Guest) -> list[str]:
        """What the script says before its guest starts. Raises LabError when it forbids the start."""
        return self._run(guest, PRE_START)

    def call(self, guest: Guest, phase: str) -> list[str]:
        """What the script says in a phase that it cannot stop; a failure is a warning there."""
        try:
            return self._run(guest, phase)
        except LabError as problem:
            return [problem.what]

    def _run(self, guest: Guest, phase: str) -> list[str]:
        volume = guest.config.get("hookscript")
        if not volume:
            return []
        failed = f"hookscript error for {guest.vmid} on {phase}: "
        script = self._script(str(volume), failed)
        if host.enter(guest.node, "test", "-f", script).returncode:
            raise LabError(f"{failed}script '{volume}' does not exist")
        words = (script, str(guest.vmid), phase)
        try:
            done = host.enter(guest.node, "/usr/bin/env", "-i", PATH, *words)
        except subprocess.TimeoutExpired as late:
            raise LabError(f"{failed}command '{' '.join(words)}' failed: got timeout") from late
        if done.returncode:
            why = f"exit code {done.returncode}"
            said = done.stderr.strip().splitlines()
            raise LabError("\n".join([*said, f"{failed}command '{' '.join(words)}' failed: {why}"]))
        return (done.stdout + done.stderr).splitlines()

    def _script(self, volume: str, failed: str) -> str:
        """Where a node has the script. Raises LabError for a volume that is none."""
        storage, _, place = volume.partition(":")
        path = self._site.storages.get(storage, {}).get("path")
        if path is None:
            raise LabError(f"{failed}storage '{storage}' does not exist")
        if not place.startswith("snippets/") or "/.." in place:
            raise LabError(f"{failed}'{volume}' is not in the snippets directory")
        return f"{path}/{place}"
