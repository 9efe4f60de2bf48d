"""Services still do their work, and can do less besides."""

import re

import pytest

CAP_SYS_ADMIN = 1 << 21
SERVICES = ("nginx", "postgresql", "unbound", "smbd")


def unit(host, service):
    if service != "postgresql":
        return f"{service}.service"
    listed = host.check_output("systemctl list-units --plain --no-legend 'postgresql@*'")
    return str(listed.split()[0])


def filters(host, pid):
    status = host.file(f"/proc/{pid}/status").content_string
    found = re.search(r"^Seccomp_filters:\s+(\d+)$", status, re.MULTILINE)
    assert found
    return int(found[1])


def exposure(said):
    found = re.search(r": (\d+\.\d) ", said)
    assert found, said
    return float(found[1])


@pytest.mark.parametrize("service", SERVICES)
def test_a_confined_service_runs_and_is_less_exposed_than_before(host, service):
    name = unit(host, service)
    assert host.check_output("systemctl is-active %s", name) == "active"
    before = exposure(host.check_output("cat /var/lib/exposure-%s", name.removesuffix(".service")))
    after = exposure(host.check_output("systemd-analyze security %s --no-pager | tail -n 1", name))
    assert after <= before - 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_confined_service_sees_no_homes_or_devices_of_others(host, service):
    name = unit(host, service)
    pid = host.check_output("systemctl show --property MainPID --value %s", name)
    inside = f"nsenter --target {pid} --mount --"
    host.check_output("touch /dev/of-the-host")
    assert host.run(f"{inside} test -e /dev/null").rc == 0
    assert host.run(f"{inside} test -e /dev/of-the-host").rc != 0
    assert host.run(f"{inside} test -e /root/.ssh").rc == (0 if service == "smbd" else 1)
    assert host.run(f"{inside} touch /usr/touched").rc != 0
    assert filters(host, pid) > filters(host, 1)  # a container's own are on each of its processes


@pytest.mark.parametrize("service", ["nginx", "postgresql", "unbound"])
def test_a_confined_service_is_not_all_that_root_is(host, service):
    pid = host.check_output("systemctl show --property MainPID --value %s", unit(host, service))
    capabilities = re.search(
        r"^CapBnd:\s+(\w+)$", host.file(f"/proc/{pid}/status").content_string, re.MULTILINE
    )
    assert capabilities is not None
    assert not int(capabilities[1], 16) & CAP_SYS_ADMIN


def test_the_web_server_serves_and_writes_its_log(host):
    host.check_output("curl --silent --fail http://127.0.0.1/")
    assert "GET / " in host.file("/var/log/nginx/access.log").content_string


def test_the_web_server_reloads_its_configuration(host):
    host.check_output("systemctl reload nginx")
    host.check_output("curl --silent --fail http://127.0.0.1/")


def test_the_database_stores_and_finds(host):
    psql = "runuser --user postgres -- psql --tuples-only --no-align --command"
    host.check_output(f"{psql} %s", "create table if not exists seen (at int); insert into seen values (1);")
    assert int(host.check_output(f"{psql} %s", "select count(*) from seen").splitlines()[-1]) >= 1
    host.check_output("systemctl restart %s", unit(host, "postgresql"))
    assert int(host.check_output(f"{psql} %s", "select count(*) from seen").splitlines()[-1]) >= 1


def test_the_resolver_answers(host):
    assert "127.0.0.1" in host.check_output("dig @127.0.0.1 +short localhost A")


def test_shared_files_are_written_and_read_back(host):
    share = "smbclient --no-pass //127.0.0.1/everybody --command"
    host.check_output(f"{share} 'put /etc/hostname name; get name /run/name'")
    assert host.file("/run/name").content_string == host.file("/etc/hostname").content_string


def test_what_nobody_needs_neither_runs_nor_can_be_started(host):
    for name in ("rpcbind.service", "rpcbind.socket"):
        assert host.check_output("systemctl show --property LoadState --value %s", name) == "masked"
    assert host.run("systemctl start rpcbind.service").rc != 0
    assert ":111 " not in host.check_output("ss --listening --numeric --tcp --udp")


def test_mail_is_taken_from_this_host_only(host):
    listening = host.check_output("ss --listening --numeric --tcp --no-header 'sport = :25'")
    addresses = {line.split()[3] for line in listening.splitlines()}
    assert addresses
    assert addresses <= {"127.0.0.1:25", "[::1]:25"}


def test_the_mail_of_services_goes_to_somebody_who_reads_it(host):
    assert host.check_output("postalias -q www-data /etc/aliases") == "root"
    assert host.check_output("postalias -q root /etc/aliases") == "exploitation@example.org"


def test_administrators_are_not_confined_with_their_sessions(host):
    host.check_output("touch /usr/local/touched && rm /usr/local/touched")
