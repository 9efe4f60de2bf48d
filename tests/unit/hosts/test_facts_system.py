"""What the system is made of, as the programs and files of Debian 12 and 13 say it."""

import pytest

from provisioner.hosts.collector import (
    clock,
    disks,
    kernel,
    logs,
    network,
    packages,
    shared,
    system,
    units,
    updates,
    versions,
)


def chain(name, hook, policy="accept", family="inet"):
    told = {
        "family": family,
        "table": "filter",
        "name": name,
        "type": "filter",
        "hook": hook,
        "policy": policy,
    }
    return {"chain": told}


def rule(name, *steps, family="inet"):
    return {"rule": {"family": family, "table": "filter", "chain": name, "expr": list(steps)}}


NFT = [
    {"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
    {"table": {"family": "inet", "name": "filter", "handle": 1}},
    chain("input", "input", "drop"),
    chain("forward", "forward"),
    rule("input", {"match": {"op": "in"}}, {"accept": None}),
    rule("forward", {"counter": {"packets": 0, "bytes": 0}}, {"reject": {"type": "icmpx"}}),
]


def test_the_packet_filter_drops_by_policy_or_by_a_last_rule():
    told = network.filter_in(NFT)
    assert told == {
        "tables": ["inet filter"],
        "input_policy": "drop",
        "forward_policy": "drop",
        "output_policy": "none",
        "rules": 2,
    }


def test_a_last_rule_with_a_condition_lets_the_rest_through():
    told = network.filter_in([chain("input", "input"), rule("input", {"match": {}}, {"drop": None})])
    assert told["input_policy"] == "accept"


def test_a_filter_of_ipv4_alone_leaves_ipv6_open_where_there_is_any():
    told = [chain("input", "input", "drop", family="ip")]
    assert network.filter_in(told)["input_policy"] == "accept"
    assert network.filter_in(told, families=("ip",))["input_policy"] == "drop"


def test_a_host_without_rules_filters_nothing():
    assert network.filter_in(NFT[:1])["input_policy"] == "none"


TCP6 = """  sl  local_address                         remote_address    st tx rx tr tm retr uid timeout inode
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 843 1 0
   1: 00000000000000000000000001000000:1538 00000000000000000000000000000000:0000 0A 0:0 00:0 0 104 0 844 1 0
   2: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 0:0 00:0 0 33 0 845 1 0
   3: 00000000000000000000000001000000:1538 00000000000000000000000001000000:A3B2 01 0:0 00:0 0 104 0 846 1 0
"""


def test_sockets_that_listen_have_their_addresses_read():
    assert network.sockets_in("tcp6", TCP6) == [
        ("tcp", "::", 22, 0, "843"),
        ("tcp", "::1", 5432, 104, "844"),
        ("tcp", "127.0.0.1", 8080, 33, "845"),
    ]
    assert network.address_of("0100007F") == "127.0.0.1"


def test_mounts_have_the_options_of_the_mount_and_of_its_file_system():
    told = (
        "1180 1179 0:120 / /tmp rw,nosuid,nodev shared:83 - tmpfs tmpfs rw,size=9k\n"
        "1181 1179 0:121 / /my\\040disk ro,noexec - ext4 /dev/sda1 rw,errors=remount-ro\n"
    )
    tmp, disk = shared.mounts_in(told)
    assert (tmp.path, tmp.type, tmp.options) == ("/tmp", "tmpfs", ["nodev", "nosuid", "rw", "size=9k"])  # noqa: S108 - what is mounted there
    assert (disk.path, disk.options) == ("/my disk", ["errors=remount-ro", "noexec", "ro"])


STATUS = """Package: bash
Essential: yes
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b13
Depends: base-files (>= 2.1.12)

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0

Package: kept
Status: hold ok installed
Architecture: all
Version: 2:1.0
"""


def test_packages_are_those_that_are_installed():
    assert shared.packages_in(STATUS) == [
        shared.Package("bash", "5.2.15-2+b13", "amd64", held=False),
        shared.Package("kept", "2:1.0", "all", held=True),
    ]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0", "1.1"),
        ("1.0~rc1", "1.0"),
        ("1.0-1~bpo12+1", "1.0-1"),
        ("9.9", "1:0.1"),
        ("1.0-1", "1.0-1+deb12u1"),
        ("1.9", "1.10"),
        ("1.0a", "1.0+b"),
        ("2.36-9+deb12u9", "2.36-9+deb12u10"),
        ("1.0", "1.0-1"),
    ],
)
def test_versions_are_ordered_as_debian_orders_them(older, newer):
    assert versions.key(older) < versions.key(newer)
    assert versions.newest([newer, older]) == newer


def release(folder, name, extra=""):
    (folder / f"{name}_InRelease").write_text(f"Origin: Debian\n{extra}")
    return folder / f"{name}_main_binary-amd64_Packages"


def test_updates_are_what_lists_know_to_be_newer(tmp_path, monkeypatch):
    monkeypatch.setattr(updates, "LISTS", str(tmp_path))
    entry = "Package: {}\nPriority: optional\nVersion: {}\nDescription: x\n\n"
    release(tmp_path, "deb_dists_trixie").write_text(
        entry.format("bash", "5.2-1") + entry.format("curl", "8.1-1") + entry.format("from-bpo", "1.0-1")
    )
    release(tmp_path, "deb_dists_trixie-security").write_text(entry.format("curl", "8.1-1+deb13u1"))
    release(tmp_path, "deb_dists_trixie-backports", "NotAutomatic: yes\n").write_text(
        entry.format("bash", "6.0-1~bpo13+1") + entry.format("from-bpo", "2.1-1~bpo13+1")
    )
    here = [("bash", "5.2-1"), ("curl", "8.1-1"), ("from-bpo", "2.0-1~bpo13+1"), ("ours", "1.0")]
    found = updates.waiting([shared.Package(name, version, "amd64", held=False) for name, version in here])
    assert found == (["curl", "from-bpo"], ["curl"])


def test_sources_of_both_kinds_say_who_signs_them():
    (old,) = packages.one_line_sources(
        "a.list",
        "deb [arch=amd64 trusted=yes signed-by=/k.gpg] http://m/debian trixie main contrib # x\n#deb no\n",
    )
    assert old == {
        "file": "a.list",
        "types": ["deb"],
        "uris": ["http://m/debian"],
        "suites": ["trixie"],
        "components": ["main", "contrib"],
        "signed_by": "/k.gpg",
        "trusted": True,
    }
    text = (
        "Types: deb deb-src\nURIs: http://m/debian\nSuites: trixie\n trixie-updates\nComponents: main\n"
        "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n\n# next\nEnabled: no\nURIs: http://off\n"
    )
    (new,) = packages.deb822_sources("a.sources", text)
    assert new["types"] == ["deb", "deb-src"]
    assert new["suites"] == ["trixie", "trixie-updates"]
    assert (new["signed_by"], new["trusted"]) == ("a key in the file", False)


def test_settings_of_apt_have_lists_as_lists():
    told = (
        'APT "";\nAPT::Architecture "amd64";\nUnattended-Upgrade::Origins-Pattern "";\n'
        'Unattended-Upgrade::Origins-Pattern:: "o=Debian";\nUnattended-Upgrade::Origins-Pattern:: "o=b";\n'
    )
    found = packages.config_in(told)
    assert found["APT::Architecture"] == "amd64"
    assert found["Unattended-Upgrade::Origins-Pattern"] == ["o=Debian", "o=b"]


def test_units_that_are_not_loaded_count_too():
    loaded = (
        "ssh.service loaded active running OpenBSD Secure Shell server\n"
        "getty@tty1.service loaded active running Getty on tty1\n"
        "auditd.service not-found inactive dead auditd.service\n"
    )
    listed = (
        "ssh.service enabled enabled\nrsync.service disabled enabled\ngetty@.service enabled enabled\n"
        "ctrl-alt-del.target masked enabled\n"
    )
    told = units.units_in(loaded, listed)
    assert told["ssh.service"] == {
        "load": "loaded",
        "active": "active",
        "sub": "running",
        "file_state": "enabled",
    }
    assert told["rsync.service"]["active"] == "inactive"
    assert told["ctrl-alt-del.target"]["load"] == "masked"
    assert told["getty@tty1.service"]["file_state"] == "enabled"
    assert told["auditd.service"] == {
        "load": "not-found",
        "active": "inactive",
        "sub": "dead",
        "file_state": "",
    }


def test_bounds_of_services_are_told_by_unit():
    told = units.properties_in("Id=ssh.service\nPrivateTmp=no\nUser=\n\nId=app.service\nUser=app\n")
    assert told == {"ssh.service": {"PrivateTmp": "no", "User": ""}, "app.service": {"User": "app"}}


def test_a_process_belongs_to_the_service_of_its_cgroup():
    assert shared.unit_of("0::/system.slice/ssh.service\n") == "ssh.service"
    assert shared.unit_of(
        "1:name=systemd:/system.slice/system-postgresql.slice/postgresql@17-main.service\n"
    ) == ("postgresql@17-main.service")
    assert shared.unit_of("0::/user.slice/user-0.slice/user@0.service/init.scope\n") == ""


def test_modules_are_told_with_underscores():
    told = kernel.modprobe_in("# x\nblacklist usb-storage\ninstall dccp /bin/false\ninstall vfat\n")
    assert told == {"install": {"dccp": "/bin/false"}, "blacklisted": ["usb_storage"]}


def test_options_of_the_kernel_that_are_not_set_are_n():
    told = kernel.config_in(
        'CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_D="lockdown,yama"\nCONFIG_E=17\n'
    )
    assert told == {
        "CONFIG_A": "y",
        "CONFIG_B": "m",
        "CONFIG_C": "n",
        "CONFIG_D": "lockdown,yama",
        "CONFIG_E": "17",
    }


def test_profiles_of_apparmor_have_their_modes():
    told = "/usr/sbin/chronyd (enforce)\nnvidia_modprobe//kmod (complain)\nplasmashell (unconfined)\n"
    assert kernel.profiles_in(told)["nvidia_modprobe//kmod"] == "complain"


def test_chrony_tells_its_sources():
    sources = "^,*,10.0.0.1,2,6,377,34,-0.000015,0.0001,0.01\n^,?,ntp.example.net,0,6,1,-,0.5,0.0,0.0\n"
    authenticated = "10.0.0.1,NTS,1,15,256,33m,0,0,8,100\nntp.example.net,-,0,0,0,-,0,0,0,0\n"
    assert clock.chrony_sources(sources, authenticated) == [
        {"name": "10.0.0.1", "nts": True, "reach": 8, "offset_seconds": -0.000015},
        {"name": "ntp.example.net", "nts": False, "reach": 1, "offset_seconds": 0.5},
    ]


RSYSLOG = """
# *.* @@old.example.net
*.*  @log1.example.net
auth,authpriv.* @@(o)log2.example.net:10514;RSYSLOG_ForwardFormat
action(type="omfwd" target="10.0.0.5" port="6514" protocol="tcp"
  StreamDriver="gtls" StreamDriverMode="1")
ruleset(name="send") { action(
    type="omrelp" name="to_a" target="log.a" port="2514"
    tls="on" tls.permittedPeer=["log.a"]) }
action(type="omfile" file="/var/log/x")
"""


def test_logs_are_sent_where_rsyslog_is_told():
    assert logs.forwards_in(RSYSLOG) == [
        {"target": "log1.example.net", "port": 514, "protocol": "udp", "tls": False},
        {"target": "log2.example.net", "port": 10514, "protocol": "tcp", "tls": True},
        {"target": "10.0.0.5", "port": 6514, "protocol": "tcp", "tls": True},
        {"target": "log.a", "port": 2514, "protocol": "relp", "tls": True},
    ]


def test_releases_are_read_as_a_shell_would():
    assert system.release_of('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\n# x=y\n') == {
        "PRETTY_NAME": "Debian GNU/Linux 13 (trixie)",
        "ID": "debian",
    }


def test_disks_on_encrypted_ones_are_encrypted(tmp_path, monkeypatch):
    monkeypatch.setattr(disks, "BLOCKS", str(tmp_path))
    for name, uuid, below in (
        ("dm-0", "CRYPT-LUKS2-1-root", "sda"),
        ("dm-1", "LVM-abc", "dm-0"),
        ("sda", "", ""),
    ):
        (tmp_path / name / "slaves").mkdir(parents=True)
        if uuid:
            (tmp_path / name / "dm").mkdir()
            (tmp_path / name / "dm" / "uuid").write_text(uuid + "\n")
        if below:
            (tmp_path / name / "slaves" / below).mkdir()
    assert [disks._encrypted(name) for name in ("dm-0", "dm-1", "sda")] == [True, True, False]
    assert [disks._type(name) for name in ("dm-0", "dm-1", "sda")] == ["crypt", "lvm", "disk"]


@pytest.mark.parametrize(
    ("told", "level"),
    [("# Managed by Bastide: the level, 1 to 4\n3\n", 3), ("", None), ("# 4\nmany\n", None)],
)
def test_the_level_is_what_the_last_run_of_all_roles_noted(monkeypatch, told, level):
    monkeypatch.setattr(system, "read_if_there", {"/etc/bastide/level": told}.__getitem__)
    assert system.bastide()["level"] == level
