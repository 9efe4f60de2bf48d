"""An untouched host raises no alarm; a changed program does, and only what was asked for is accepted."""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

SEALS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "seals"
DATABASE = "/var/lib/aide/aide.db"


def compare(host, unit):
    """Run a comparison as its timer does; whether nothing differs, and what it wrote."""
    since = host.check_output("date +%s.%N")
    quiet = host.run("systemctl start %s", unit).rc == 0
    return quiet, host.check_output("journalctl --sync; journalctl --unit %s --since @%s", unit, since)


@contextmanager
def changed(host, path, command):
    """A file that somebody changed, until the end of the block; its times are what they were."""
    host.check_output(f"cp --archive {path} /root/kept && touch --reference {path} /root/times")
    try:
        host.check_output(command)
        host.check_output(f"touch --reference /root/times {path}")
        yield
    finally:
        host.check_output(f"cp --archive /root/kept {path} && rm /root/kept /root/times")


@pytest.fixture(scope="module")
def untouched(host):
    return compare(host, "dailyaidecheck.service")


def test_a_host_that_nobody_touched_differs_in_nothing(untouched):
    quiet, said = untouched
    assert quiet, said
    assert "AIDE found NO differences" in said


def test_a_program_that_somebody_changed_is_found_though_its_times_are_what_they_were(host):
    with changed(
        host, "/usr/bin/nano", "printf x | dd of=/usr/bin/nano bs=1 seek=4096 conv=notrunc status=none"
    ):
        quiet, said = compare(host, "dailyaidecheck.service")
        verified, packages = compare(host, "integrity-packages.service")
        failed = host.check_output("systemctl list-units --failed --plain --no-legend")
    assert not quiet
    assert "/usr/bin/nano" in said
    assert "SHA512" in said
    assert not verified
    assert "bin/nano" in packages  # in Debian 12 it is /bin/nano
    assert {"dailyaidecheck.service", "integrity-packages.service"} <= set(failed.split())


def test_a_setting_a_right_and_a_new_program_are_found_and_what_is_left_out_is_not(host):
    host.check_output(
        "mkdir -p /opt/uploads && touch /opt/uploads/scan.pdf && cp /bin/true /usr/local/bin/unknown"
        " && echo x >> /etc/pve/nodes/storage.cfg && touch /var/log/application.log && chmod u+s /usr/bin/env"
    )
    with changed(host, "/etc/hosts", "echo 192.0.2.1 dpi >> /etc/hosts"):
        quiet, said = compare(host, "dailyaidecheck.service")
    host.check_output("chmod u-s /usr/bin/env && rm -r /usr/local/bin/unknown /opt/uploads")
    assert not quiet
    assert all(path in said for path in ("/usr/local/bin/unknown", "/etc/hosts", "/usr/bin/env"))
    assert not any(path in said for path in ("/opt/uploads", "/etc/pve", "/var/log"))


def test_when_all_is_as_it_was_nothing_differs_and_nothing_has_failed(host):
    assert compare(host, "dailyaidecheck.service")[0]
    quiet, said = compare(host, "integrity-packages.service")
    assert quiet, said


def test_the_comparisons_wait_until_nobody_else_wants_the_processor(host):
    for unit in ("dailyaidecheck", "integrity-packages"):
        assert host.check_output("systemctl show --property CPUWeight --value %s.service", unit) in (
            "idle",
            "0",
        )
        assert (
            host.check_output("systemctl show --property IOSchedulingClass --value %s.service", unit) == "3"
        )


def test_they_come_by_themselves_at_night(host):
    said = host.check_output(
        "systemctl list-timers --no-legend dailyaidecheck.timer integrity-packages.timer"
    )
    nights = [
        line
        for line in said.splitlines()
        if " 02:" in line or " 03:" in line or " 04:" in line or " 05:" in line
    ]
    assert len(nights) == 2
    for timer in ("dailyaidecheck", "integrity-packages"):
        assert host.service(f"{timer}.timer").is_enabled


def test_the_seal_of_the_database_is_with_the_controller_and_people_cannot_read_it(host):
    seal = SEALS / f"{host.backend.get_hostname()}.aide"
    assert host.check_output("sha256sum %s", DATABASE).split()[0] == seal.read_text(encoding="utf-8").strip()
    assert seal.stat().st_mode & 0o077 == 0
    assert host.run("setpriv --reuid nobody --clear-groups cat %s", DATABASE).rc != 0


def test_what_was_accepted_on_request_is_on_record_and_raises_no_alarm(host, untouched):
    assert "/usr/local/bin/deployed" in host.check_output("cat %s.accepted", DATABASE)
    assert "/usr/local/bin/deployed" not in untouched[1]
    assert host.file(f"{DATABASE}.before").exists
