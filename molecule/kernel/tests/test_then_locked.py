"""Read last of all, for there is no way back before a restart."""


def test_once_locked_no_module_is_loaded_any_more_and_what_was_loaded_before_is_there(host):
    host.check_output("systemctl restart systemd-modules-load.service")
    host.check_output("systemctl start modules-locked.service")
    assert host.sysctl("kernel.modules_disabled") == 1
    assert host.run("modprobe nlmon").rc != 0
    loaded = {line.split()[0] for line in host.check_output("cat /proc/modules").splitlines()}
    assert {"nf_tables", "nft_ct", "vfat"} <= loaded
