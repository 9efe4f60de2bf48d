"""Profiles as AppArmor's own compiler reads them, and the network of a container; a VM shows the rest."""

import re

import pytest

COMPILER = "apparmor_parser --skip-kernel-load --skip-cache"


def flags(host, name):
    """The flags of a profile as the compiler sees it; None if it passes the profile over."""
    read = host.check_output("cd /etc/apparmor.d && apparmor_parser --preprocess %s", name)
    found = re.search(r"^ *profile [^#\n]*\{", read, re.MULTILINE)
    return found and re.findall(r"\w+", found[0].partition("flags=")[2])


@pytest.mark.parametrize("name", ["only", "strict"])
def test_a_profile_that_complained_is_enforced_when_it_is_named_for_it(host, name):
    assert "complain" not in flags(host, name)


@pytest.mark.parametrize("name", ["first", "last", "strict"])
def test_its_other_flags_stay(host, name):
    assert flags(host, name) == ["attach_disconnected"]


def test_an_exception_stays_as_it_was(host):
    assert flags(host, "tried") == ["complain"]


@pytest.mark.parametrize("name", ["forgotten", "open"])
def test_a_profile_that_keeps_nothing_from_anything_is_off(host, name):
    said = host.run(f"cd /etc/apparmor.d && {COMPILER} --verbose {name}")
    assert "Skipping profile in /etc/apparmor.d/disable" in said.stdout + said.stderr


def test_every_profile_of_the_host_compiles_and_all_but_the_exception_are_enforced(host):
    host.check_output(f"{COMPILER} /etc/apparmor.d")
    left = host.check_output(
        "cd /etc/apparmor.d && for name in *; do "
        '[ -d "$name" ] || [ -e "disable/$name" ] || grep --with-filename "^[^#]*flags" "$name"; done; true'
    )
    lines = [line for line in left.splitlines() if re.search(r"complain|unconfined", line)]
    assert [line.partition(":")[0] for line in lines] == ["tried"]


def test_a_container_that_may_has_its_network_set_up_on_each_interface_and_another_is_left_alone(host):
    if host.run("test -w /proc/sys/net/ipv4/ip_forward").rc != 0:
        assert not host.file("/etc/sysctl.d/zz-bastide.conf").exists
        return
    interface = host.check_output("ip route show default").split("dev ")[1].split()[0]
    own = f"net.ipv4.conf.{interface}"
    names = [
        f"{own}.accept_redirects",
        f"{own}.send_redirects",
        f"{own}.rp_filter",
        "net.ipv4.tcp_syncookies",
    ]
    assert host.check_output("sysctl --values " + " ".join(names)).split() == ["0", "0", "1", "1"]
    assert host.sysctl("net.ipv4.conf.all.log_martians") == 0
    assert not host.check_output("ip -6 -oneline address show scope global")


def test_a_container_still_reaches_others_and_itself(host):
    gateway = host.check_output("ip route show default").split("via ")[1].split()[0]
    assert host.run("ping -c 1 -W 5 %s", gateway).rc == 0
    assert host.run("ping -c 1 -W 5 ::1").rc == 0


def test_a_container_writes_nothing_for_a_kernel_that_is_not_its_own(host):
    assert not host.file("/etc/modprobe.d/bastide.conf").exists
    assert not host.file("/etc/default/grub.d/bastide.cfg").exists
    assert not host.file("/etc/systemd/system/modules-locked.service").exists
    settings = host.file("/etc/sysctl.d/zz-bastide.conf")
    if settings.exists:  # where it may set up its network
        lines = settings.content_string.splitlines()
        assert {line.split(".")[0] for line in lines if not line.startswith("#")} == {"net"}
