"""Numbered writes: what was acknowledged exists, and what was lost is named."""

import json
import socket
import threading
from contextlib import contextmanager

import psycopg
import pytest
from click.testing import CliRunner
from servers import Application, wait_until

from lab.commands import lab as group
from lab.errors import LabError, LabRefused
from lab.journal import Told, read
from lab.load import Application as Client
from lab.load import compare, load, spans, verify
from lab.pki import Authority


def run_in_background(*arguments):
    thread = threading.Thread(target=load, args=arguments)
    thread.start()
    return thread


def acknowledged(journal):
    return read(journal).acknowledged if journal.exists() else frozenset()


@contextmanager
def server_between(app, *, lose):
    """A server that passes requests on, and answers none of those writes whose number `lose` picks."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(0.1)
        over = threading.Event()

        def serve():
            while not over.is_set():
                try:
                    client, _ = door.accept()
                except TimeoutError:
                    continue
                with client:
                    pass_on(client)

        def pass_on(client):
            client.settimeout(5)
            asked = client.recv(65536)
            while b"Content-Length" in asked and b"}" not in asked:
                asked += client.recv(65536)
            with socket.create_connection(("127.0.0.1", app.port)) as upstream:
                upstream.sendall(asked)
                answer = b"".join(iter(lambda: upstream.recv(65536), b""))
            body = asked.partition(b"\r\n\r\n")[2]
            if not (body and lose(json.loads(body)["number"])):
                client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        over.set()
        thread.join()


def test_every_write_of_a_quiet_run_is_acknowledged_and_exists(app, tmp_path):
    outcome = load(app.url, 100, 0.5, tmp_path / "run.jsonl")

    verdict = verify(tmp_path / "run.jsonl")

    assert outcome.refused == outcome.unanswered == 0
    assert verdict.present == tuple(range(1, outcome.acknowledged + 1))
    assert verdict.whole
    assert verdict.missing == verdict.unacknowledged == verdict.unknown_gone == ()


def test_no_more_is_written_than_the_rate_allows(app, tmp_path):
    outcome = load(app.url, 20, 0.5, tmp_path / "run.jsonl")

    assert 1 <= outcome.acknowledged <= 10


def test_all_that_was_acknowledged_outlives_a_killed_application(app, tmp_path):
    journal = tmp_path / "run.jsonl"
    running = run_in_background(app.url, 100, 4, journal)
    wait_until(lambda: len(acknowledged(journal)) > 20)
    app.kill()
    before = acknowledged(journal)
    app.start()
    running.join()

    told, verdict = read(journal), verify(journal)

    assert verdict.whole
    assert told.refused | told.unanswered
    assert max(told.acknowledged) > max(before)
    assert set(verdict.unacknowledged) <= told.unanswered


def test_all_that_was_acknowledged_outlives_a_killed_database(app, postgres, tmp_path):
    journal = tmp_path / "run.jsonl"
    running = run_in_background(app.url, 100, 4, journal)
    wait_until(lambda: len(acknowledged(journal)) > 20)
    postgres.stop()
    postgres.start()
    running.join()

    verdict = verify(journal)

    assert verdict.whole
    assert verdict.present


def test_writes_whose_answer_was_lost_are_found_without_an_acknowledgement(app, tmp_path):
    journal = tmp_path / "run.jsonl"
    with server_between(app, lose=lambda number: number % 5 == 0) as url:
        load(url, 100, 0.5, journal)

    verdict = verify(journal, app.url)

    assert verdict.whole
    assert verdict.unacknowledged
    assert all(number % 5 == 0 for number in verdict.unacknowledged)
    assert all(number % 5 for number in verdict.present)


def test_acknowledged_writes_that_an_older_copy_lacks_are_named_one_by_one(app, conninfo, tmp_path):
    journal = tmp_path / "run.jsonl"
    outcome = load(app.url, 100, 0.3, journal)
    with psycopg.connect(conninfo) as connection:
        connection.execute("DELETE FROM writes WHERE run = %s AND number >= 4", (outcome.run,))

    answer = CliRunner().invoke(group, ["load", "--verify", str(journal)])

    assert answer.exit_code == 1
    assert f"ACKNOWLEDGED AND MISSING: 4-{outcome.acknowledged}" in answer.stdout
    assert verify(journal).missing == tuple(range(4, outcome.acknowledged + 1))


def test_more_writes_than_a_page_are_compared(app, conninfo, tmp_path):
    journal = tmp_path / "run.jsonl"
    outcome = load(app.url, 10, 0.05, journal)
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "INSERT INTO writes SELECT %s, n FROM generate_series(2, 2500) AS n", (outcome.run,)
        )

    verdict = verify(journal)

    assert verdict.unacknowledged == tuple(range(2, 2501))


def test_a_journal_that_was_cut_short_is_read_up_to_there(app, tmp_path):
    journal = tmp_path / "run.jsonl"
    outcome = load(app.url, 100, 0.2, journal)
    journal.write_bytes(journal.read_bytes()[:-9])

    verdict = verify(journal)

    assert verdict.whole
    assert verdict.unacknowledged == (outcome.acknowledged,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no run"),
        ("hello\n", "line 1"),
        ('{"number": 1}\n', "names no run"),
        ('{"run": "a", "url": "http://127.0.0.1"}\n{"number": 1, "outcome": "lost"}\n', "line 2"),
        ('{"run": "a", "url": "http://127.0.0.1"}\nxx\n{"number": 2, "outcome": "refused"}\n', "line 2"),
        ('{"run": "a", "url": 3}\n', "names no run"),
    ],
)
def test_a_file_that_is_no_journal_is_refused_with_the_line(tmp_path, text, said):
    (tmp_path / "run.jsonl").write_text(text)

    with pytest.raises(LabError, match=said):
        read(tmp_path / "run.jsonl")


def test_nothing_is_said_of_writes_when_the_application_is_silent(app, tmp_path):
    load(app.url, 100, 0.1, tmp_path / "run.jsonl")
    app.kill()
    try:
        answer = CliRunner().invoke(group, ["load", "--verify", str(tmp_path / "run.jsonl")])
    finally:
        app.start()

    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert "does not answer" in answer.stderr


def test_an_old_journal_is_never_written_over(app, tmp_path):
    journal = tmp_path / "run.jsonl"
    journal.write_text("precious")

    with pytest.raises(LabRefused):
        load(app.url, 10, 0.1, journal)

    assert journal.read_text() == "precious"


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1", "http://10.85.0.1/", "http://[2001:db8::1]:8000", "http://10.99.0.2:80"]
)
def test_load_goes_nowhere_but_to_the_lab(url):
    with pytest.raises(LabRefused, match="lab"):
        Client(url)


def test_https_is_verified_against_the_authority_that_is_named(conninfo, tmp_path):
    authority = Authority.in_directory(tmp_path)
    certificate, key = authority.issue(tmp_path, "front", ("localhost",))
    front = Application(conninfo, f"--certfile={certificate}", f"--keyfile={key}")
    url = f"https://localhost:{front.port}"
    front.start()
    try:
        outcome = load(url, 50, 0.1, tmp_path / "run.jsonl", authority.cafile)
        verdict = verify(tmp_path / "run.jsonl", None, authority.cafile)
        with pytest.raises(LabError, match="has a certificate that is not of this lab"):
            load(url, 50, 0.1, tmp_path / "unknown.jsonl")
        with pytest.raises(LabError, match="has a certificate that is not of this lab"):
            load(f"https://127.0.0.1:{front.port}", 50, 0.1, tmp_path / "other.jsonl", authority.cafile)
    finally:
        front.kill()

    assert outcome.acknowledged == len(verdict.present) > 0


def test_what_verifies_nothing_is_said_so(tmp_path):
    with pytest.raises(LabError, match="no certificate"):
        Client("https://127.0.0.1", tmp_path / "missing.pem")


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1", "ftp://127.0.0.1", "http://", "http://127.0.0.1:x", "http://["]
)
def test_what_is_no_url_is_said_so(url):
    with pytest.raises(LabError):
        Client(url)


@pytest.mark.parametrize(
    ("rate", "seconds"), [(0, 1), (201, 1), (10, 0), (10, 3601), (float("nan"), 1), (1, float("inf"))]
)
def test_a_run_without_bounds_is_refused(app, tmp_path, rate, seconds):
    with pytest.raises(LabRefused, match="at most"):
        load(app.url, rate, seconds, tmp_path / "run.jsonl")

    assert not (tmp_path / "run.jsonl").exists()


def test_a_server_that_is_no_platform_gets_no_load(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer():
            with door.accept()[0] as client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(LabError, match="not a healthy patient platform"):
            load(f"http://127.0.0.1:{door.getsockname()[1]}", 10, 1, tmp_path / "run.jsonl")
        thread.join()

    assert not (tmp_path / "run.jsonl").exists()


def test_a_write_that_nobody_answers_and_that_does_not_exist_is_said_apart():
    told = Told("a", "http://127.0.0.1", frozenset({1, 2}), frozenset({3}), frozenset({4, 5}))

    verdict = compare(told, frozenset({1, 4, 9}))

    assert (verdict.present, verdict.missing) == ((1,), (2,))
    assert (verdict.unacknowledged, verdict.unknown_gone) == ((4, 9), (5,))


def test_long_rows_of_numbers_are_said_in_spans():
    assert spans((1, 2, 3, 7, 9, 10)) == "1-3, 7, 9-10"
    assert spans(()) == ""


def test_the_command_writes_and_verifies_and_speaks_json(app, tmp_path):
    journal = str(tmp_path / "run.jsonl")

    written = CliRunner().invoke(
        group, ["load", "--url", app.url, "--rate", "50", "--seconds", "0.2", "--journal", journal]
    )
    verified = CliRunner().invoke(group, ["load", "--verify", journal, "--json"])

    assert written.exit_code == verified.exit_code == 0
    assert "acknowledged" in written.stdout
    assert json.loads(verified.stdout)["missing"] == []


@pytest.mark.parametrize("words", [[], ["--url", "http://127.0.0.1"], ["--journal", "a", "--verify", "b"]])
def test_the_command_says_which_words_it_needs(words):
    assert CliRunner().invoke(group, ["load", *words]).exit_code == 2
