"""Known secrets never leave."""

from __future__ import annotations

from provisioner.pve.redaction import Redaction


def test_known_secrets_are_hidden_at_any_depth():
    known = Redaction()
    assert known.learn("s3cret!") == "s3cret!"
    answer = {"value": "s3cret!", "info": [{"text": "got 's3cret!'"}, 7, None]}
    assert known.value(answer) == {"value": "***", "info": [{"text": "got '***'"}, 7, None]}


def test_a_secret_that_contains_another_is_hidden_whole():
    known = Redaction()
    known.learn("pass")
    known.learn("password")
    assert known.text("a password, a pass") == "a ***, a ***"


def test_values_too_short_to_be_secrets_leave_texts_readable():
    known = Redaction()
    known.learn("a")
    known.learn("")
    assert known.text("a banana") == "a banana"
