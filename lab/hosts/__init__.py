"""Two sites of real Debian machines on one: booted hosts, btrfs disks, bridges, power switches.

Needs root. All that is made here is named after the lab (cgroup `bastide-lab`, network namespaces `blab-…`,
one folder), so that it is found and removed from the system's own state alone, also after a crash.
"""
