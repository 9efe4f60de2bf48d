"""The patient record as its users meet it: gunicorn in front of a real PostgreSQL."""

import re

import psycopg
import pytest

from lab.platform.dpi.fill import fill


def ipp_of(app, page=1):
    return app.get(f"/api/patients?page={page}").json()["patients"][0]["ipp"]


def test_filling_again_changes_nothing(conninfo):
    with psycopg.connect(conninfo) as connection:
        before = connection.execute("SELECT count(*), max(number) FROM results").fetchone()

        assert fill(connection, "CA", 300) == 0
        assert connection.execute("SELECT count(*), max(number) FROM results").fetchone() == before


@pytest.mark.parametrize("path", ["/", "/patients", "/work-list", "/state", "/patients/CA000007"])
def test_every_page_answers_in_french_and_lets_no_foreign_script_in(app, path):
    answer = app.get(path)

    assert answer.status_code == 200
    assert '<html lang="fr">' in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/patients", "/work-list", "/state", "/patients/CA000007"])
def test_every_field_has_a_label_and_every_page_one_heading(app, path):
    text = app.get(path).text

    fields = re.findall(r'<(?:input|select)[^>]*\bid="(\w+)"', text)
    assert all(f'<label for="{field}">' in text for field in fields)
    assert len(re.findall(r"<(?:input|select)\b", text)) == len(fields)
    assert text.count("<h1>") == 1


def test_patients_are_found_by_name_and_by_identifier(app):
    one = app.get("/api/patients/CA000042").json()

    by_name = app.get(
        "/api/patients", params={"q": f"{one['family_name']} {one['first_name']}".lower()}
    ).json()
    by_ipp = app.get("/api/patients", params={"q": "ca000042"}).json()

    assert "CA000042" in [found["ipp"] for found in by_name["patients"]]
    assert [found["ipp"] for found in by_ipp["patients"]] == ["CA000042"]


def test_a_search_takes_wildcards_for_what_they_are(app):
    assert app.get("/api/patients", params={"q": "%"}).json() == {"patients": [], "more": False}


def test_pages_of_patients_follow_each_other_and_end(app):
    seen, page, more = [], 1, True
    while more:
        told = app.get(f"/api/patients?page={page}").json()
        seen += [one["ipp"] for one in told["patients"]]
        page, more = page + 1, told["more"]

    assert len(seen) == len(set(seen)) == 300


def test_a_result_that_is_written_is_read_and_waits_to_be_validated(app):
    number = app.post("/api/patients/CA000011/results", json={"code": "HB", "value": 3.4}).json()["number"]

    written = next(
        one for one in app.get("/api/patients/CA000011").json()["results"] if one["number"] == number
    )
    assert written["value"] == 3.4
    assert written["abnormal"] is True
    assert written["validated_at"] is None
    assert app.post(f"/api/results/{number}/validation").status_code == 200
    after = next(
        one for one in app.get("/api/patients/CA000011").json()["results"] if one["number"] == number
    )
    assert after["validated_at"] is not None


def test_validating_twice_keeps_the_first_time(app):
    number = app.post("/api/patients/CA000012/results", json={"code": "K", "value": 4}).json()["number"]

    def validated_at():
        app.post(f"/api/results/{number}/validation")
        results = app.get("/api/patients/CA000012").json()["results"]
        return next(one["validated_at"] for one in results if one["number"] == number)

    assert validated_at() == validated_at()


def test_the_form_takes_a_french_number_and_shows_it(app):
    answer = app.post("/patients/CA000013", data={"code": "HB", "value": "9,7"})

    assert answer.status_code == 303
    assert "9,7 g/dL" in app.get("/patients/CA000013").text


@pytest.mark.parametrize("value", ["", "beaucoup", "nan", "inf", "-1", "1e9"])
def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(app, value):
    answer = app.post("/patients/CA000014", data={"code": "HB", "value": value})

    assert answer.status_code == 400
    assert "Saisissez un nombre" in answer.text
    assert f'value="{value}"' in answer.text


def test_the_work_list_loses_what_is_validated(app):
    action = re.search(r'action="(/work-list/\d+)"', app.get("/work-list").text)[1]

    assert app.post(action).status_code == 303
    assert action not in app.get("/work-list").text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/writes", {"run": "a", "number": 0}),
        ("/api/writes", {"run": "a", "number": True}),
        ("/api/writes", {"run": "a", "number": 2**31}),
        ("/api/writes", {"run": "", "number": 1}),
        ("/api/writes", {"run": "a\0b", "number": 1}),
        ("/api/writes", {"run": "a" * 65, "number": 1}),
        ("/api/writes", [1]),
        ("/api/writes", "text"),
        ("/api/patients/CA000011/results", {"code": "HB", "value": "13"}),
        ("/api/patients/CA000011/results", {"value": 13}),
        ("/api/patients/CA000011/results", {"code": "HB", "value": 10**400}),
        ("/api/patients/CA000011/results", {"code": "HB\0", "value": 13}),
        ("/api/patients/CA000011/results", {"code": "\ud800", "value": 13}),
    ],
)
def test_a_write_that_makes_no_sense_is_refused_with_a_sentence(app, path, body):
    answer = app.post(path, json=body)

    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize(
    "path",
    ["/api/patients/CA999999", "/api/nothing", "/patients/CA999999", "/nothing"],
)
def test_what_is_not_there_is_said_so(app, path):
    assert app.get(path).status_code == 404


@pytest.mark.parametrize("query", ["limit=x", "limit=1001", "after=-1", "after=99999999999999999999"])
def test_an_impossible_page_of_writes_is_refused(app, query):
    assert app.get(f"/api/writes?run=a&{query}").status_code == 400


@pytest.mark.parametrize(
    "path", ["/api/writes?run=%00", "/api/patients?q=%00", "/patients?q=%00", "/patients/%00"]
)
def test_a_zero_byte_is_no_text_to_look_for(app, path):
    assert app.get(path).status_code == 400


def test_an_unknown_patient_or_analysis_gets_no_result(app):
    assert app.post("/api/patients/CA999999/results", json={"code": "HB", "value": 1}).status_code == 404
    assert app.post("/api/patients/CA000011/results", json={"code": "??", "value": 1}).status_code == 404


def test_a_page_of_another_site_cannot_write(app):
    foreign = {"Origin": "http://elsewhere.example"}

    assert app.post("/work-list/1", headers=foreign).status_code == 403
    assert app.post("/api/writes", json={"run": "f", "number": 1}, headers=foreign).status_code == 403


def test_a_number_is_written_once(app):
    assert app.post("/api/writes", json={"run": "once", "number": 7}).status_code == 201
    assert app.post("/api/writes", json={"run": "once", "number": 7}).status_code == 200
    assert [one["number"] for one in app.get("/api/writes?run=once").json()["writes"]] == [7]


def test_writes_are_read_in_pages(app):
    for number in (5, 1, 3):
        app.post("/api/writes", json={"run": "paged", "number": number})

    told = app.get("/api/writes?run=paged&after=1&limit=1").json()["writes"]

    assert [one["number"] for one in told] == [3]


def test_a_body_that_is_too_long_is_refused(app):
    assert app.post("/api/writes", data=b"x" * 20_000).status_code in {400, 413}


def end_other_sessions(connection):
    connection.execute("""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    """)


def test_a_read_only_database_is_said_and_takes_no_write(app, conninfo):
    with psycopg.connect(conninfo, autocommit=True) as connection:
        database = f"ALTER DATABASE {connection.info.dbname}"
        connection.execute(f"{database} SET default_transaction_read_only = on")
        end_other_sessions(connection)
        try:
            answer = app.post("/api/writes", json={"run": "standby", "number": 1})
            read = app.get("/api/patients/CA000001")
        finally:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"{database} RESET default_transaction_read_only")
            end_other_sessions(connection)

    assert answer.status_code == 503
    assert "lecture seule" in answer.json()["error"]
    assert read.status_code == 200


def test_a_database_that_dies_is_said_and_found_again_when_it_is_back(app, postgres):
    postgres.stop()
    try:
        api, page = app.get("/api/health"), app.get("/")
    finally:
        postgres.start()

    assert api.status_code == page.status_code == 503
    assert "indisponible" in api.json()["error"]
    assert "mode dégradé" in page.text
    assert app.get("/api/health").json()["patients"] == 300
