"""What the role `filesystems` leaves to a container's node: who sees the processes of others."""


def whose_processes_are_seen(host, groups):
    """The accounts whose processes `nobody` sees as a member of these groups."""
    return set(host.check_output(f"setpriv --reuid nobody {groups} ps -e -o user=").split())


def test_users_see_no_processes_of_others(host):
    assert whose_processes_are_seen(host, "--clear-groups") == {"nobody"}


def test_who_watches_sees_all_as_a_member_of_its_group(host):
    assert "root" in whose_processes_are_seen(host, "--groups=proc")


def test_sessions_are_looked_after_as_before(host):
    assert "root" in host.check_output("loginctl list-sessions --no-legend")
