"""Reasons in French: whatever the evaluation says has to be said in French too."""

from datetime import UTC, datetime

import pytest

from provisioner.model import expect
from provisioner.report.audit_reasons import reason

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ENGLISH = (
    " is ",
    " has ",
    "none of",
    "less than",
    "more than",
    "without",
    " not ",
    "days ago",
    "no list",
    "does",
)


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ({"equals": 2}, 1),
        ({"not_equals": 1}, 1),
        ({"in": ["a", "b"]}, "c"),
        ({"at_least": 5}, 3),
        ({"at_most": 5}, 7),
        ({"matches": "^x"}, "y"),
        ({"contains": "x"}, ["y"]),
        ({"lacks": "y"}, ["y"]),
        ({"contains_all": ["x", "z"]}, ["x"]),
        ({"subset_of": ["x"]}, ["x", "y"]),
        ({"empty": True}, ["y"]),
        ({"each": {"equals": 1}}, "word"),
        ({"each": {"equals": 1}}, [2, 3, 4, 5, 6, 7, 8]),
        ({"some": {"equals": 1}}, [2, 3]),
        ({"has": {"a": {"equals": 1}}}, {"a": 2}),
        ({"has": {"a": {"equals": 1}}}, "word"),
        ({"not": {"equals": 1}}, 1),
        ({"any": [{"equals": 1}, {"at_least": 9}]}, 3),
        ({"newer_than_days": 30}, "2026-01-01T00:00:00+00:00"),
        ({"newer_than_days": 30}, "yesterday"),
    ],
)
def test_no_operator_speaks_english_in_a_french_report(told, value):
    why = expect.read(told)(value, NOW)
    french = reason(f"sshd.thing {why}", "fr")
    assert not [word for word in ENGLISH if word in french], french


@pytest.mark.parametrize(
    ("told", "french"),
    [
        ("as expected", "comme attendu"),
        ("sshd was not looked at", "sshd n’a pas été examiné"),
        ("there is no postgres here", "il n’y a pas de postgres ici"),
        (
            "sshd could not be looked at: sudo: a password is required",
            "sshd n’a pas pu être examiné : sudo: a password is required",
        ),
        ("asked from the level high on", "demandé à partir du niveau élevé"),
        (
            "asked of node, vm; this is a ct",
            "demandé à : nœud Proxmox VE, machine virtuelle ; ici : conteneur",
        ),
        ("nobody has answered", "personne n’a répondu"),
        ("sshd.port is 22, not 2222", "sshd.port vaut 22 au lieu de 2222"),
        ("lists.age is not set, more than 7", "lists.age vaut non défini, plus que 7"),
        ("walk.setuid is 12 entries", "walk.setuid vaut 12 entrées"),
        ("sources is nothing, without all of a", "sources vaut rien, sans tout ce qui est attendu : a"),
        (
            "x.y is 1, more than 0; the waiver of RSSI expired on 2026-10-01",
            "x.y vaut 1, plus que 0 ; la dérogation de RSSI a expiré le 2026-10-01",
        ),
    ],
)
def test_reasons_in_french(told, french):
    assert reason(told, "fr") == french


def test_english_stays_as_it_was_said():
    assert reason("sshd.port is 22, not 2222", "en") == "sshd.port is 22, not 2222"
