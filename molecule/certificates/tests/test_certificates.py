"""Hosts prove who they are to one another, and the authority cannot vouch for anybody else."""

import os
from pathlib import Path

import pytest
import testinfra

ROLE = Path(__file__).parents[3] / "roles/certificates/files"
AUTHORITY = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "authority"
PASSPHRASE = "a passphrase of the scenario"  # noqa: S105 - it protects nothing: the scenario shows that one is needed
CONTROLLER = testinfra.get_host("local://")
DAY = 86400
VERIFY = "openssl verify -x509_strict -purpose sslserver /etc/ssl/private/host.pem"


@pytest.fixture
def name(host):
    return f"{host.check_output('hostname')}.lab"


@pytest.fixture
def served(host):
    """A TLS server with the host's certificate and key, at port 4433."""
    serve = (
        "openssl s_server -accept 4433 -www -cert /etc/ssl/private/host.pem -key /etc/ssl/private/host.key"
    )
    host.check_output(f"systemd-run --quiet --unit served {serve}")
    host.check_output("timeout 20 sh -c 'until nc -z 127.0.0.1 4433; do sleep 0.2; done'")
    yield "https://{}:4433/"
    host.check_output("systemctl stop served")


def why_issue(host, *arguments):
    """What the role would say on the next run."""
    script = (ROLE / "why-issue.sh").read_text(encoding="utf-8")
    return host.check_output("sh -c %s --" + " %s" * len(arguments), script, *arguments)


def sign(name, extensions):
    """What the authority makes of a request, whoever asks: the certificate."""
    ask = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=x"
    CONTROLLER.check_output(
        f"{ask} | PASSPHRASE=%s EXTENSIONS=%s sh %s %s 30 %s",
        PASSPHRASE,
        extensions,
        str(ROLE / "sign.sh"),
        str(AUTHORITY),
        name,
    )
    return (AUTHORITY / f"issued/{name}.pem").read_text(encoding="utf-8")


def test_the_authority_is_read_by_nobody_else_and_its_key_needs_a_passphrase():
    key = AUTHORITY / "authority.key"
    assert AUTHORITY.stat().st_mode & 0o777 == 0o700
    assert key.stat().st_mode & 0o777 == 0o600
    assert CONTROLLER.run("openssl pkey -in %s -noout -passin pass:", str(key)).rc != 0
    assert CONTROLLER.run("openssl pkey -in %s -noout -passin %s", str(key), f"pass:{PASSPHRASE}").rc == 0


def test_the_host_has_a_certificate_that_its_own_trust_store_vouches_for(host):
    assert host.check_output(VERIFY) == "/etc/ssl/private/host.pem: OK"


def test_a_host_whose_clock_is_behind_takes_it_as_valid_all_the_same(host):
    then = int(host.check_output("date +%s")) - 3000
    as_it_has_it = VERIFY.replace("verify", f"verify -attime {then}")
    assert host.check_output(as_it_has_it) == "/etc/ssl/private/host.pem: OK"


def test_only_root_reads_the_key(host):
    assert host.run("cat /etc/ssl/private/host.key").rc == 0
    assert host.run("runuser -u nobody -- cat /etc/ssl/private/host.key").rc != 0


def test_nothing_is_left_of_the_issuing(host):
    assert host.check_output("ls /etc/ssl/private").split() == ["host.key", "host.pem"]


def test_a_client_reaches_the_host_by_its_name_and_address_only(host, name, served):
    there = "curl --silent --output /dev/null --connect-to ::127.0.0.1:4433 "
    assert host.run(there + served.format(name)).rc == 0
    assert host.run(there + served.format("127.0.0.1")).rc == 0
    assert host.run(there + served.format("other.lab")).rc == 60  # curl: the peer is not who it should be


def test_the_certificate_serves_both_ends_of_a_connection(host):
    assert host.run(VERIFY.replace("sslserver", "sslclient")).rc == 0


def test_the_authority_cannot_pretend_to_be_a_mirror(host, name):
    extensions = "extendedKeyUsage = serverAuth\nsubjectAltName = DNS:{}"
    for pretended, verdict in (("deb.debian.org", "permitted subtree violation"), ("new.lab", "OK")):
        forged = sign(f"forged-{name}", extensions.format(pretended))
        assert verdict in host.run("echo %s | openssl verify 2>&1", forged).stdout


def test_a_good_certificate_is_left_alone(host, name):
    assert why_issue(host, str(60 * DAY), f"DNS:{name}", "IP:127.0.0.1", "IP:fd00::1") == ""


@pytest.mark.parametrize(
    ("days", "names", "reason"),
    [
        (400, ["DNS:{}", "IP:127.0.0.1", "IP:fd00::1"], "it ends soon"),
        (60, ["DNS:{}", "IP:127.0.0.1"], "it has 3 names, not 2"),
        (60, ["DNS:{}", "IP:127.0.0.1", "IP:fd00::2"], "it is not for IP:fd00::2"),
        (60, ["DNS:other.lab", "IP:127.0.0.1", "IP:fd00::1"], "it is not for DNS:other.lab"),
    ],
)
def test_a_certificate_is_issued_anew_when_it_ends_or_the_names_change(host, name, days, names, reason):
    assert why_issue(host, str(days * DAY), *(one.format(name) for one in names)) == reason
