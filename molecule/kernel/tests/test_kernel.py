"""What the kernel really does, seen from outside: not what files say."""


def test_it_is_debians_own_kernel(host):
    release = host.check_output("uname -r")
    assert release.endswith("-cloud-amd64")
    assert host.run("dpkg-query -W linux-image-%s", release).rc == 0
    assert host.run("systemd-detect-virt --container").rc != 0


def test_a_kernel_setting_is_in_force(host):
    assert host.sysctl("kernel.kptr_restrict") == 2
    shown = host.check_output("head -1 /proc/kallsyms")
    assert shown.startswith("0000000000000000 ")


def test_a_refused_module_cannot_be_loaded_and_another_can(host):
    assert host.run("modprobe sctp").rc != 0
    assert "sctp" not in host.check_output("cut -d' ' -f1 /proc/modules").split()
    assert host.run("modprobe dummy").rc == 0


def test_a_confined_program_reads_only_what_its_profile_allows(host):
    assert host.check_output("confined-cat /etc/hostname") == host.check_output("cat /etc/hostname")
    refused = host.run("confined-cat /etc/passwd")
    assert refused.rc == 1
    assert "Permission denied" in refused.stderr


def test_the_boot_parameters_turn_auditing_on_from_the_start(host):
    parameters = host.file("/proc/cmdline").content_string.split()
    assert {"audit=1", "audit_backlog_limit=8192", "security=apparmor"} <= set(parameters)
