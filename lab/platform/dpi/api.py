"""The JSON API, under /api. A problem is `{"error": "…"}` with 400, 404 or 503.

A 2xx answer to a POST is an acknowledgement: the transaction was committed before it was sent.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from flask import Blueprint, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from . import queries
from .database import Database

api = Blueprint("api", __name__, url_prefix="/api")

LONGEST_PAGE = 1000
LONGEST_RUN = 64
LARGEST = 2**31 - 1
LARGEST_VALUE = 10**6


def database() -> Database:
    """The database of the application that answers."""
    found: Database = current_app.extensions["database"]
    return found


@api.get("/health")
def health() -> ResponseReturnValue:
    """Whether the record can be read, and which server answers."""
    with database().transaction() as cursor:
        server = queries.server(cursor)
        told = queries.figures(cursor)
    answer = {"site": current_app.config["SITE"], "database": server.name, "version": server.version}
    return jsonify(answer | {"standby": server.standby} | _plain(told))


@api.get("/patients")
def patients() -> ResponseReturnValue:
    """A page of patients: `?q=` the beginning of a name or IPP, `&page=` from 1."""
    with database().transaction() as cursor:
        found = queries.patients(cursor, request.args.get("q", "").strip(), page())
    return jsonify(patients=[_plain(row) for row in found[: queries.PAGE]], more=len(found) > queries.PAGE)


@api.get("/patients/<ipp>")
def patient(ipp: str) -> ResponseReturnValue:
    """One patient with all stays and results."""
    with database().transaction() as cursor:
        found = queries.patient(cursor, ipp) or abort(404)
        told = {"stays": queries.stays(cursor, ipp), "results": queries.results(cursor, ipp)}
    return jsonify(_plain(found) | {name: [_plain(row) for row in rows] for name, rows in told.items()})


@api.post("/patients/<ipp>/results")
def add_result(ipp: str) -> ResponseReturnValue:
    """Write a result: `{"code": "HB", "value": 13.2}`."""
    body = _body()
    code, value = body.get("code"), body.get("value")
    if not isinstance(code, str) or not is_value(value):
        abort(400, 'Envoyez {"code": "HB", "value": 13.2}.')
    with database().transaction() as cursor:
        number = queries.add_result(cursor, ipp, code, value) or abort(404)
    return jsonify(number=number), 201


@api.post("/results/<int:number>/validation")
def validate(number: int) -> ResponseReturnValue:
    """Take a result off the work list."""
    with database().transaction() as cursor:
        if number > LARGEST or not queries.validate(cursor, number):
            abort(404)
    return jsonify(number=number)


@api.post("/writes")
def write() -> ResponseReturnValue:
    """Write one numbered record: `{"run": "a1b2", "number": 17}`; 201, or 200 if it was there already."""
    body = _body()
    run, number = body.get("run"), body.get("number")
    named = isinstance(run, str) and 0 < len(run) <= LONGEST_RUN and "\0" not in run
    if not named or isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= LARGEST:
        abort(400, 'Envoyez {"run": "a1b2", "number": 17}, le numéro à partir de 1.')
    with database().transaction() as cursor:
        new = queries.write(cursor, str(run), number)
    return jsonify(run=run, number=number), 201 if new else 200


@api.get("/writes")
def writes() -> ResponseReturnValue:
    """Numbered records of a run, in order: `?run=…&after=0&limit=1000`."""
    after, limit = _whole("after", 0, LARGEST), _whole("limit", LONGEST_PAGE, LONGEST_PAGE)
    with database().transaction() as cursor:
        rows = queries.writes(cursor, request.args.get("run", ""), after, limit)
    return jsonify(writes=[_plain(row) for row in rows])


def is_value(value: Any) -> TypeGuard[float]:
    """Whether this may be the value of an analysis: a number, not negative, below a million."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < LARGEST_VALUE


def page() -> int:
    """The page that was asked for, from 1."""
    return max(1, _whole("page", 1, 10**6))


def _whole(name: str, usual: int, most: int) -> int:
    text = request.args.get(name, str(usual))
    if not text.isdecimal() or int(text) > most:
        abort(400, f"« {name} » doit être un nombre entier de 0 à {most}.")
    return int(text)


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else abort(400, "Le corps doit être un objet JSON.")


def _plain(row: Any) -> dict[str, Any]:
    """A row as JSON says it: times and dates in ISO 8601, numbers as numbers."""
    return {name: _value(value) for name, value in row._asdict().items()}


def _value(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if isinstance(value, str | int | float | None) else float(value)
