"""The application: `gunicorn 'dpi.app:create_app()'`, configured by the environment.

DPI_DATABASE is libpq's connection string, DPI_SITE the site's name, DPI_TITLE what the pages call the clinic.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from .api import api
from .database import Database, Unavailable, Unfit
from .pages import pages

LARGEST_BODY = 16 * 1024
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SAID = {
    400: "La demande n'a pas été comprise.",
    403: "La demande vient d'un autre site.",
    404: "Ce que vous cherchez n'existe pas.",
    405: "Cela ne peut pas être fait ici.",
    413: "La demande est trop longue.",
}


def create_app() -> Flask:
    """Make the application. Nothing is connected yet: a database that is down is said page by page."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.config["SITE"] = os.environ.get("DPI_SITE", "local")
    app.config["TITLE"] = os.environ.get("DPI_TITLE", "Clinique")
    app.extensions["database"] = Database(os.environ.get("DPI_DATABASE", "dbname=dpi"))
    app.register_blueprint(api)
    app.register_blueprint(pages)
    app.before_request(refuse_foreign_forms)
    app.after_request(seal)
    app.register_error_handler(HTTPException, explain)
    app.register_error_handler(Unavailable, regret)
    app.register_error_handler(Unfit, refuse)
    return app


def refuse_foreign_forms() -> None:
    """There are no sessions to steal, yet another site's page must not write into the record."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin and urlsplit(origin).netloc != request.host:
        abort(403)


def seal(response: Response) -> Response:
    """What is shown of patients stays out of caches, frames and other sites' scripts."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def explain(problem: HTTPException) -> ResponseReturnValue:
    """Say in French what was wrong with a request."""
    code = problem.code or 500
    own = problem.description if code == 400 and request.path.startswith("/api/") else None  # noqa: PLR2004 - HTTP's
    return _told(own or SAID.get(code, "Une erreur est survenue."), code)


def regret(problem: Unavailable) -> ResponseReturnValue:
    """Say that the database does not answer; whether a write was made is then unknown."""
    return _told(f"Le dossier patient est momentanément indisponible : {problem}.", 503)


def refuse(_: Unfit) -> ResponseReturnValue:
    """Say that a text cannot be looked for or kept."""
    return _told(SAID[400], 400)


def _told(said: str, code: int) -> ResponseReturnValue:
    if request.path.startswith("/api/"):
        return jsonify(error=said), code
    return render_template("error.html", said=said, code=code), code
