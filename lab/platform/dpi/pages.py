"""The pages that people see, in French."""

from __future__ import annotations

from datetime import date, datetime

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from . import queries
from .api import LARGEST, database, is_value, page
from .invent import TODAY, age

pages = Blueprint("pages", __name__)


@pages.get("/")
def home() -> ResponseReturnValue:
    """How full the clinic is, and who came last."""
    with database().transaction() as cursor:
        return render_template(
            "home.html",
            figures=queries.figures(cursor),
            units=queries.occupation(cursor),
            admissions=queries.admissions(cursor),
        )


@pages.get("/patients")
def patients() -> ResponseReturnValue:
    """Search by name or IPP."""
    sought, number = request.args.get("q", "").strip(), page()
    with database().transaction() as cursor:
        found = queries.patients(cursor, sought, number)
    shown, more = found[: queries.PAGE], len(found) > queries.PAGE
    return render_template("patients.html", patients=shown, more=more, page=number, sought=sought)


@pages.get("/patients/<ipp>")
def patient(ipp: str) -> ResponseReturnValue:
    """One patient's record."""
    return _record(ipp)


@pages.post("/patients/<ipp>")
def add_result(ipp: str) -> ResponseReturnValue:
    """Write the result of the form, or say what is wrong with it."""
    code, text = request.form.get("code", ""), request.form.get("value", "").strip()
    value = _number(text)
    if value is None:
        return _record(ipp, code=code, text=text, wrong="Saisissez un nombre positif, par exemple 13,2."), 400
    with database().transaction() as cursor:
        if queries.add_result(cursor, ipp, code, value) is None:
            abort(404)
    return redirect(url_for("pages.patient", ipp=ipp, saved="1") + "#results", 303)


@pages.get("/work-list")
def work_list() -> ResponseReturnValue:
    """Results that wait to be validated."""
    with database().transaction() as cursor:
        return render_template("work_list.html", waiting=queries.work_list(cursor))


@pages.post("/work-list/<int:number>")
def validate(number: int) -> ResponseReturnValue:
    """Validate one result."""
    with database().transaction() as cursor:
        if number > LARGEST or not queries.validate(cursor, number):
            abort(404)
    return redirect(url_for("pages.work_list", saved="1"), 303)


@pages.get("/state")
def state() -> ResponseReturnValue:
    """Which database answers, and how much it holds."""
    with database().transaction() as cursor:
        return render_template("state.html", server=queries.server(cursor), figures=queries.figures(cursor))


@pages.app_template_filter("day")
def day(moment: date | None) -> str:
    """16/11/2026."""
    return moment.strftime("%d/%m/%Y") if moment else "—"


@pages.app_template_filter("moment")
def moment(when: datetime | None) -> str:
    """16/11/2026 à 09:30."""
    return when.strftime("%d/%m/%Y à %H:%M") if when else "—"


@pages.app_template_filter("number")
def french_number(value: float) -> str:
    """13,2 and 3 000, with a narrow space that does not break."""
    return f"{value:,}".replace(",", "\u202f").replace(".", ",")


@pages.app_template_filter("years")
def years(born: date) -> str:
    """67 ans, on the day that the invented clinic lives in."""
    completed = age(born, TODAY)
    return f"{completed} an{'s' if completed > 1 else ''}"


def _record(ipp: str, **form: str) -> str:
    with database().transaction() as cursor:
        return render_template(
            "patient.html",
            patient=queries.patient(cursor, ipp) or abort(404),
            stays=queries.stays(cursor, ipp),
            results=queries.results(cursor, ipp),
            analyses=queries.analyses(cursor),
            form=form,
        )


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if is_value(value) else None
