"""One call: its secrets, its task, what it reveals; and no secret in any log."""

from __future__ import annotations

import logging

import pytest

from provisioner.errors import AnswerLost, ApiError, TaskFailed
from provisioner.model.base import SecretRef
from provisioner.model.objects import Call
from provisioner.pve.send import send

SITE = "carpentras"
PASSWORD = SecretRef("env:LDAP_PASSWORD")
SECRETS = {PASSWORD: "correct horse battery"}


@pytest.fixture
def kept():
    return {}


@pytest.fixture
def sent(session, kept):
    """Sends a call with the secrets of this module."""
    return lambda call: send(session, call, secret=SECRETS.__getitem__, reveal=kept.__setitem__)


def test_a_call_without_a_task_has_an_answer_at_once(sent, session):
    outcome = sent(Call("POST", "/pools", {"poolid": "sent", "comment": "à nous"}))
    assert (outcome.upid, outcome.warnings, outcome.value) == (None, (), None)
    assert session.get("/pools/sent")["comment"] == "à nous"
    sent(Call("DELETE", "/pools", {"poolid": "sent"}))
    assert session.get("/pools") == []


def test_the_task_of_a_call_is_waited_for(lab, sent):
    lab.control.fault("task-warn", SITE, match="qmclone", message="it took long")
    clone = Call("POST", "/nodes/ventoux-1/qemu/9000/clone", {"newid": 4001, "full": True, "name": "made"})
    outcome = sent(clone)
    assert outcome.upid.startswith("UPID:ventoux-1:")
    assert outcome.warnings == ("WARN: it took long",)
    assert sent(Call("DELETE", "/nodes/ventoux-1/qemu/4001", {"purge": True})).warnings == ()


def test_a_failed_task_fails_the_call(lab, sent):
    lab.control.fault("task-fail", SITE, match="qmclone", message="out of space")
    with pytest.raises(TaskFailed, match="out of space"):
        sent(Call("POST", "/nodes/ventoux-1/qemu/9000/clone", {"newid": 4002, "full": True}))


def test_the_secret_of_a_new_token_is_kept_and_not_told(sent, kept, open_session):
    where = SecretRef("file:secrets/token")
    sent(Call("POST", "/access/users", {"userid": "maker@pve"}))
    outcome = sent(Call("POST", "/access/users/maker@pve/token/probe", {"privsep": False}, reveals=where))
    assert open_session(token="maker@pve!probe", secret=kept[where]).get("/version")
    assert kept[where] not in repr(outcome)
    assert outcome.value["value"] == "***"
    sent(Call("DELETE", "/access/users/maker@pve"))


def test_an_answer_without_the_secret_to_keep_is_an_error(sent, kept):
    with pytest.raises(ApiError, match="did not show the secret of the token"):
        sent(Call("PUT", "/cluster/options", {"description": "x"}, reveals=SecretRef("file:secrets/token")))
    assert kept == {}


def test_a_secret_never_stands_in_an_address(sent, lab):
    before = lab.control.write_count(SITE)
    with pytest.raises(ValueError, match="DELETE"):
        sent(Call("DELETE", "/pools", secrets={"poolid": PASSWORD}))
    assert lab.control.write_count(SITE) == before


def test_proxmox_quotes_a_secret_and_we_do_not(sent):
    with pytest.raises(ApiError) as caught:
        sent(Call("PUT", "/nodes/ventoux-1/qemu/1001/config", secrets={"cores": PASSWORD}))
    assert "got '***'" in caught.value.what
    assert caught.value.fields["cores"] == "type check ('integer') failed - got '***'"
    assert SECRETS[PASSWORD] not in f"{caught.value!r} {caught.value.args}"


def test_a_list_is_one_text_with_commas(sent, session):
    sent(Call("PUT", "/nodes/ventoux-1/qemu/9000/config", {"tags": ("b", "a"), "onboot": True}))
    config = session.get("/nodes/ventoux-1/qemu/9000/config")
    assert (config["tags"], config["onboot"]) == ("a;b", 1)


@pytest.fixture
def all_logs(caplog):
    """Every logger there is, turned up to say everything."""
    for name in ("", *logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.mark.parametrize("identity", ["token", "user"])
def test_no_secret_is_in_any_log_at_any_level(lab, open_session, kept, all_logs, identity):
    site = lab.sites[SITE]
    session = open_session(**({"user": "root@pam", "secret": site.password} if identity == "user" else {}))
    for call in (
        Call("POST", "/access/users", {"userid": "quiet@pve"}, secrets={"password": PASSWORD}),
        Call("POST", "/access/users/quiet@pve/token/probe", reveals=SecretRef("file:secrets/token")),
        Call("PUT", "/nodes/ventoux-1/qemu/9000/config", secrets={"cipassword": PASSWORD}),
    ):
        send(session, call, secret=SECRETS.__getitem__, reveal=kept.__setitem__)
    lab.control.fault("drop-connection", SITE, match="DELETE *")
    with pytest.raises(AnswerLost) as caught:
        send(
            session,
            Call("DELETE", "/access/users/quiet@pve"),
            secret=SECRETS.__getitem__,
            reveal=kept.__setitem__,
        )
    told = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in all_logs.records)
    assert "POST /api2/json/access/users" in told  # the library did log
    for secret in (site.secret, site.password, *SECRETS.values(), *kept.values()):
        assert secret not in told
        assert secret not in repr(caught.getrepr())
