"""Who comes into the database and who does not, tried from the other machine, and what is written down."""

import re

import pytest
import testinfra

PASSWORD = "Mistral-1870"  # noqa: S105 - made up, for machines that live for a minute


@pytest.fixture(scope="module")
def name(host):
    return host.check_output("hostname")


@pytest.fixture(scope="module")
def other(name, request):
    peer = name.replace("12", "13") if "12" in name else name.replace("13", "12")
    return testinfra.get_host(f"ssh://{peer}", ssh_config=request.config.option.ssh_config)


def come(machine, name, question="SELECT 1", *, password=PASSWORD, **words):
    """A connection from a machine to the database of another, with libpq's own words."""
    told = {"host": name, "dbname": "dpi", "user": "dpi", "connect_timeout": 10} | words
    address = " ".join(f"{word}={value}" for word, value in told.items())
    return machine.run("PGPASSWORD=%s psql -XAt -c %s %s", password, question, address)


def ask(host, question):
    """The answer of the database to its own superuser, on the socket."""
    return host.check_output("cd / && runuser -u postgres -- psql -XAt -v ON_ERROR_STOP=1 -c %s", question)


def rows(host, question):
    return [line.split("|") for line in ask(host, question).splitlines()]


def test_the_application_comes_in_over_tls_1_3_without_being_told_to(other, name):
    seen = come(other, name, "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    assert seen.stdout == "t|TLSv1.3\n"


def test_the_server_shows_the_certificate_of_its_host(host, other, name):
    other.check_output(
        "printf '%%s\\n' %s > /root/vouched.pem", host.check_output("cat /etc/ssl/private/host.pem")
    )
    sure = {"sslmode": "verify-full", "sslrootcert": "/root/vouched.pem"}
    assert come(other, name, **sure).succeeded
    assert (
        "does not match host name" in come(other, host.check_output("hostname -I").split()[0], **sure).stderr
    )


@pytest.mark.parametrize(
    ("words", "because"),
    [
        pytest.param({"sslmode": "disable"}, "no encryption", id="in-the-clear"),
        pytest.param({"ssl_max_protocol_version": "TLSv1.2"}, "protocol version", id="tls-1.2"),
        pytest.param({"password": "Tramontane"}, "password authentication failed", id="wrong-password"),
        pytest.param({"user": "postgres"}, "pg_hba.conf rejects", id="superuser"),
        pytest.param({"user": "suiveur"}, "no pg_hba.conf entry", id="another-account"),
        pytest.param({"dbname": "template1"}, "no pg_hba.conf entry", id="another-database"),
    ],
)
def test_nobody_else_comes_in(other, name, words, because):
    refused = come(other, name, **words)
    assert refused.failed
    assert because in refused.stderr


def test_who_comes_from_elsewhere_is_refused_with_the_right_password(host):
    address = host.check_output("hostname -I").split()[0]
    refused = come(host, address)
    assert refused.failed
    assert f'no pg_hba.conf entry for host "{address}"' in refused.stderr


def test_a_password_that_is_kept_as_md5_opens_nothing_although_it_is_right(host, other, name):
    kept = host.check_output("printf Mistral-1870ancien | md5sum").split()[0]
    ask(host, "DROP ROLE IF EXISTS ancien")
    ask(host, f"CREATE ROLE ancien LOGIN PASSWORD 'md5{kept}'")
    refused = come(other, name, user="ancien")
    assert "password authentication failed" in refused.stderr
    ask(host, "ALTER ROLE ancien PASSWORD 'Mistral-1870'")
    assert come(other, name, user="ancien").succeeded
    ask(host, "DROP ROLE ancien")


def test_a_follower_still_follows(other, name):
    system = come(other, name, "IDENTIFY_SYSTEM", user="suiveur", replication="true")
    assert re.match(r"\d{15,}\|1\|", system.stdout)


def test_on_the_socket_each_is_who_he_is(host):
    assert ask(host, "SELECT current_user") == "postgres"
    refused = host.run("cd / && runuser -u nobody -- psql -U postgres -c 'SELECT 1'")
    assert 'Peer authentication failed for user "postgres"' in refused.stderr


def test_no_rule_lets_in_without_tls_or_with_less_than_scram(host):
    rules = rows(host, "SELECT type, auth_method, error FROM pg_hba_file_rules")
    assert {error for _type, _method, error in rules} == {""}
    ways = {(kind, method) for kind, method, _error in rules}
    assert ways == {("local", "peer"), ("host", "reject"), ("hostssl", "scram-sha-256")}


def test_the_settings_are_in_force(host):
    seen = dict(rows(host, "SELECT name, setting FROM pg_settings WHERE sourcefile LIKE '%bastide.conf'"))
    assert rows(host, "SELECT name FROM pg_settings WHERE pending_restart") == []
    assert seen["ssl_min_protocol_version"] == "TLSv1.3"
    assert seen["log_min_error_statement"] == "panic"
    assert seen["log_connections"] == "on"
    assert seen["idle_in_transaction_session_timeout"] == "3600000"  # ms
    assert seen["shared_preload_libraries"] == "pgaudit"


def test_who_came_and_how_is_written_down(host, other, name):
    come(other, name, application_name="salle-de-garde")
    lines = log(host).splitlines()
    assert any("salle-de-garde" in line and "protocol=TLSv1.3" in line for line in lines)


def test_who_changed_what_is_written_down_without_the_password(host, name):
    ask(host, "CREATE ROLE essai LOGIN PASSWORD 'Sirocco-44'; DROP ROLE essai")
    text = "CREATE ROLE essai LOGIN PASSWORD <REDACTED>" if name.endswith("13") else "<not logged>"
    for seen in (log(host), host.check_output("journalctl --identifier=postgres --output=cat")):
        assert re.search(rf"postgres@postgres .* AUDIT: SESSION,1,1,ROLE,CREATE ROLE,.*{text}", seen)
        assert "Sirocco-44" not in seen


def test_what_is_said_of_patients_never_reaches_a_log(host, other, name):
    come(other, name, "CREATE TABLE IF NOT EXISTS dossier (nom text PRIMARY KEY CHECK (nom <> 'Giono'))")
    insert = "INSERT INTO dossier VALUES ('Giono')"
    assert "Failing row contains (Giono)" in come(other, name, insert).stderr
    assert come(other, name, "SELECT 'Giono'::int").failed
    seen = log(host)
    assert 'violates check constraint "dossier_nom_check"' in seen
    assert "('Giono')" not in seen
    assert "(Giono)" not in seen
    assert "(Giono)" not in host.check_output("journalctl --output=cat")


def log(host):
    return host.check_output("cat /var/log/postgresql/postgresql-1*-main.log")
