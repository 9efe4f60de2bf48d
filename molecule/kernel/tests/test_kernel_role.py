"""What the role `kernel` made of the running kernel, and of the next start."""

import re

import pytest

SETTINGS = {
    "dev.tty.ldisc_autoload": 0,
    "fs.protected_fifos": 2,
    "fs.protected_regular": 2,
    "fs.suid_dumpable": 0,
    "kernel.dmesg_restrict": 1,
    "kernel.kexec_load_disabled": 1,
    "kernel.kptr_restrict": 2,
    "kernel.panic_on_oops": 1,
    "kernel.perf_event_paranoid": 3,
    "kernel.sysrq": 0,
    "kernel.unprivileged_bpf_disabled": 1,
    "kernel.yama.ptrace_scope": 1,
    "net.core.bpf_jit_harden": 2,
    "net.ipv4.conf.all.accept_redirects": 0,
    "net.ipv4.conf.all.arp_ignore": 2,
    "net.ipv4.conf.all.rp_filter": 1,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv4.tcp_syncookies": 1,
    "net.ipv6.conf.all.disable_ipv6": 1,
}


@pytest.mark.parametrize(("name", "value"), SETTINGS.items())
def test_the_running_kernel_uses_the_settings_of_its_level(host, name, value):
    assert host.sysctl(name) == value


def test_an_interface_that_was_there_before_uses_them_too(host):
    interface = host.check_output('ip -json route show default | sed \'s/.*"dev":"//; s/".*//\'')
    own = f"net.ipv4.conf.{interface}"
    assert host.sysctl(f"{own}.accept_redirects") == 0
    assert host.sysctl(f"{own}.send_redirects") == 0
    assert host.sysctl(f"{own}.rp_filter") == 1


def test_an_exception_of_the_estate_counts(host):
    assert host.sysctl("net.ipv4.ip_forward") == 1
    assert host.sysctl("kernel.pid_max") != 65536


def test_without_ipv6_only_loopback_has_such_an_address(host):
    addresses = host.check_output("ip -6 -oneline address show")
    assert [line.split()[1] for line in addresses.splitlines()] == ["lo"]


def test_users_may_not_read_the_log_of_the_kernel(host):
    assert host.run("setpriv --reuid nobody --clear-groups dmesg").rc != 0


@pytest.mark.parametrize("module", ["dccp", "tipc", "sctp", "squashfs", "udf"])
def test_a_refused_module_is_not_loaded(host, module):
    assert host.run("modprobe %s", module).rc != 0


def test_a_module_that_is_excepted_is_loaded(host):
    assert host.run("modprobe overlay").rc == 0


def test_the_menu_of_grub_starts_the_kernel_with_the_parameters_of_its_level(host):
    menu = host.file("/boot/grub/grub.cfg").content_string
    starts = re.findall(r"^\s+linux\s+/boot/vmlinuz\S+ (.*)$", menu, re.MULTILINE)
    assert starts
    wanted = {
        "l1tf=full,force",
        "mds=full,nosmt",
        "pti=on",
        "slub_debug=FZP",
        "page_alloc.shuffle=1",
        "iommu=force",
        "apparmor=1",
        "security=apparmor",
        "audit=1",
    }
    for words in starts:
        assert wanted <= set(words.split())
        assert "single" not in words.split()


def test_proxmox_boot_tool_keeps_the_root_file_system_and_hands_the_parameters_over(host):
    words = host.file("/run/handed-over").content_string.split()
    assert words[:2] == ["root=ZFS=rpool/ROOT/pve-1", "boot=zfs"]
    assert {"pti=on", "apparmor=1"} <= set(words)
    assert words.count("mds=full,nosmt") == 1
    assert "mds=off" not in words


def test_the_menu_asks_for_a_password_but_a_normal_start_goes_on_without(host):
    menu = host.file("/boot/grub/grub.cfg").content_string
    assert 'set superusers="root"' in menu
    assert "password_pbkdf2 root grub.pbkdf2.sha512." in menu
    entries = re.findall(r"^\s*menuentry '(?:Debian )?GNU/Linux.*$", menu, re.MULTILINE)
    assert entries
    assert all("--unrestricted" in entry for entry in entries)
    assert host.file("/boot/grub/grub.cfg").mode & 0o077 == 0


def test_the_next_start_locks_the_modules_when_all_has_started(host):
    assert host.service("modules-locked").is_enabled
    after = host.check_output("systemctl show --property After --value modules-locked.service")
    assert "multi-user.target" in after.split()
    assert host.run("systemd-analyze verify --man=no modules-locked.service").rc == 0
