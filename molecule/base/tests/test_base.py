"""What apt, systemd and needrestart really do with what they were told."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

PARIS = ZoneInfo("Europe/Paris")
NO_KEYS = "-o Dir::Etc::TrustedParts=/nowhere -o Dir::Etc::Trusted=/nowhere"
UNSIGNED = "deb file:/srv/unsigned ./"


def setting(host, name):
    return host.check_output("apt-config dump --no-empty --format '%%v%%n' %s", name).splitlines()


def show(host, unit, name):
    return host.check_output("systemctl show --property %s --value %s", name, unit)


def test_each_repository_is_verified_with_the_key_that_it_names(host):
    # No key is trusted for every repository here, so whatever is read without a complaint had one of its own.
    read = host.run(f"apt-get update {NO_KEYS} 2>&1")
    assert read.rc == 0
    assert "W:" not in read.stdout
    assert "E:" not in read.stdout
    assert read.stdout.count("InRelease") >= 3


@pytest.mark.parametrize("trust", ["", "--allow-unauthenticated"])
def test_a_repository_without_a_signature_is_refused(host, trust):
    host.run("mkdir -p /run/strangers && echo %s > /run/strangers/somebody.list", UNSIGNED)
    strangers = "-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/run/strangers"
    refused = host.run(f"apt-get update --no-list-cleanup {strangers} {trust} 2>&1")
    assert refused.rc == 100
    assert "is not signed" in refused.stdout or "does not have a Release file" in refused.stdout


def test_a_repository_that_nobody_declared_is_used_no_more(host):
    assert "/srv/unsigned" not in host.check_output("apt-cache policy")
    assert "/srv/unsigned" not in host.check_output("apt-get indextargets")
    assert host.file("/etc/apt/sources.list.d/somebody.list.disabled").exists


def test_what_nobody_wants_is_gone_and_what_everybody_needs_is_there(host):
    assert not host.package("telnet").is_installed
    for name in ("ca-certificates", "libpam-tmpdir", "needrestart", "unattended-upgrades"):
        assert host.package(name).is_installed


def test_each_user_has_a_temporary_folder_of_their_own(host):
    assert host.check_output("su -s /bin/sh nobody -c 'stat -c %a-%U $TMPDIR'") == "700-nobody"


def test_upgrades_begin_inside_the_first_half_of_a_window(host):
    timer = "apt-daily-upgrade.timer"
    assert show(host, timer, "ActiveState") == "active"
    assert show(host, timer, "RandomizedDelayUSec") == "3h 15min"
    assert show(host, timer, "Persistent") == "no"
    seconds = host.check_output("date --date=%s +%%s", show(host, timer, "NextElapseUSecRealtime"))
    begins = datetime.fromtimestamp(int(seconds), PARIS)
    late = begins.time() >= time(22, 30)
    assert late or begins.time() <= time(1, 46)
    assert begins.isoweekday() in ({2, 3, 4} if late else {3, 4, 5})


def test_the_lists_of_packages_are_read_every_day(host):
    assert host.service("apt-daily.timer").is_running
    assert setting(host, "APT::Periodic::Update-Package-Lists") == ["1"]


def test_only_security_upgrades_install_themselves_and_nothing_reboots(host):
    said = host.check_output("unattended-upgrade --dry-run --debug 2>&1")
    allowed = next(line for line in said.splitlines() if line.startswith("Allowed origins are"))
    assert allowed.count("origin=") == allowed.count("label=Debian-Security") == 2
    assert "Initial blacklist: ^postgresql-" in said
    assert setting(host, "Unattended-Upgrade::Automatic-Reboot") == ["false"]
    assert setting(host, "APT::Periodic::Unattended-Upgrade") == ["1"]


def test_a_service_that_runs_replaced_code_is_named_and_not_restarted(host):
    host.check_output(
        "cp /usr/bin/sleep /usr/local/sbin/replaced && printf %s > /etc/systemd/system/replaced.service"
        " && systemctl daemon-reload && systemctl restart replaced.service"
        " && cp /usr/bin/sleep /usr/local/sbin/new && mv /usr/local/sbin/new /usr/local/sbin/replaced",
        "[Service]\nType=exec\nExecStart=/usr/local/sbin/replaced infinity\n",
    )
    before = show(host, "replaced.service", "MainPID")
    said = host.check_output("needrestart 2>&1 < /dev/null")
    assert "replaced.service" in said
    assert show(host, "replaced.service", "MainPID") == before != "0"


def test_configuration_files_are_kept_when_a_package_brings_new_ones(host):
    assert {"--force-confdef", "--force-confold"} <= set(setting(host, "DPkg::Options"))
