"""What an audit concludes from what was collected."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.decide.controls import answers, findings
from provisioner.model.audit import Reply, Waiver
from provisioner.model.catalogue import Catalogue, Check, Control
from provisioner.model.finding import Collected, Subject, Verdict, together

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WORDS = {"fr": "des mots", "en": "words"}
HOST = Subject("ca-db", "host", "vm", 2)
SOUND = {"os": {"data": {"container": False}}, "sshd": {"data": {"permitrootlogin": "no"}}}


def a_check(**said):
    told = {
        "id": "ssh-root-login", "title": WORDS, "explanation": WORDS, "severity": "high",
        "fact": "sshd.permitrootlogin", "expect": {"equals": "no"}, "remediation": {"role": "ssh"},
        "examples": {"good": {}, "bad": {}},
    }  # fmt: skip
    return Check.model_validate(told | said)


def verdict(check, sections=SOUND, *, waivers=(), trouble="", subject=HOST):
    (found,) = findings([check], [Collected(subject, NOW, sections, trouble)], waivers, NOW)
    return found


def waiver(**said):
    told = {
        "checks": ["ssh-*"], "subjects": ["ca-*"], "owner": "RSSI", "reason": "legacy", "measure": "bastion",
        "expires": "2026-11-22",
    }  # fmt: skip
    return Waiver.model_validate(told | said)


def test_a_fact_as_expected_passes_and_says_what_was_seen():
    found = verdict(a_check())
    assert (found.verdict, found.seen) == (Verdict.PASS, "no")


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"sshd": {"error": "no rights"}},
        {"sshd": {}},
        {"sshd": {"data": {}}},
        {"sshd": {"data": []}},
        {"sshd": {"data": {"permitrootlogin": None}}},
    ],
)
def test_what_nobody_looked_at_is_unknown(sections):
    assert verdict(a_check(), sections).verdict is Verdict.UNKNOWN


@given(
    st.dictionaries(
        st.sampled_from(["sshd", "os", "x"]),
        st.one_of(
            st.fixed_dictionaries({"error": st.text()}),
            st.fixed_dictionaries({"data": st.one_of(st.none(), st.dictionaries(st.text(), st.integers()))}),
        ),
    ),
    st.sampled_from([{"equals": "no"}, {"empty": True}, {"not_equals": "yes"}, {"not": {"equals": 1}}]),
)
def test_without_the_fact_nothing_passes_whatever_is_expected(sections, expected):
    sections = {
        name: one for name, one in sections.items() if "permitrootlogin" not in (one.get("data") or {})
    }
    assert verdict(a_check(expect=expected), sections).verdict is not Verdict.PASS


def test_a_host_that_was_not_reached_is_unknown_and_says_why():
    found = verdict(a_check(), {}, trouble="ca-db does not answer")
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "ca-db does not answer")


def test_what_does_not_exist_here_is_not_applicable():
    assert verdict(a_check(), {"sshd": {"data": None}}).verdict is Verdict.NOT_APPLICABLE


def test_a_check_is_asked_of_its_kinds_from_its_level_on():
    assert verdict(a_check(kinds=["node"])).verdict is Verdict.NOT_APPLICABLE
    assert verdict(a_check(level="enhanced")).verdict is Verdict.NOT_APPLICABLE
    assert verdict(a_check(level="intermediary", kinds=["vm"])).verdict is Verdict.PASS


def test_a_container_is_not_asked_for_its_host_s_kernel_and_an_unknown_machine_is_unknown():
    check = a_check(needs="own-kernel")
    assert verdict(check).verdict is Verdict.PASS
    assert verdict(check, SOUND | {"os": {"data": {"container": True}}}).verdict is Verdict.NOT_APPLICABLE
    assert verdict(check, {"sshd": SOUND["sshd"]}).verdict is Verdict.UNKNOWN


def test_what_an_absent_setting_means_is_said_by_the_check():
    sections = {"sshd": {"data": {"port": "22"}}}
    assert verdict(a_check(absent="fail"), sections).verdict is Verdict.FAIL
    assert verdict(a_check(absent="not_applicable"), sections).verdict is Verdict.NOT_APPLICABLE


def test_each_offender_is_named():
    check = a_check(fact="users{}.uid", expect={"each": {"at_least": 1}})
    found = verdict(check, {"users": {"data": {"root": {"uid": 0}, "eve": {"uid": 5}}}})
    assert found.verdict is Verdict.FAIL
    assert "root is 0" in found.reason
    assert "eve" not in found.reason


def test_a_waiver_bears_a_failure_to_its_last_day_and_not_longer():
    check = a_check(expect={"equals": "yes"})
    borne = verdict(check, waivers=[waiver()])
    assert borne.verdict is Verdict.WAIVED
    assert borne.waiver.owner == "RSSI"
    ended = verdict(check, waivers=[waiver(expires="2026-11-21")])
    assert ended.verdict is Verdict.FAIL
    assert "expired on 2026-11-21" in ended.reason


def test_a_waiver_touches_neither_what_passes_nor_what_is_unknown_nor_others():
    assert verdict(a_check(), waivers=[waiver()]).verdict is Verdict.PASS
    assert verdict(a_check(), {}, waivers=[waiver()]).verdict is Verdict.UNKNOWN
    others = [waiver(subjects=["cv-*"]), waiver(checks=["pam-*"])]
    assert verdict(a_check(expect={"equals": "yes"}), waivers=others).verdict is Verdict.FAIL


@pytest.mark.parametrize("lacking", ["owner", "reason", "measure", "expires"])
def test_a_waiver_says_who_why_what_instead_and_until_when(lacking):
    told = waiver().model_dump(mode="json")
    del told[lacking]
    with pytest.raises(ValueError, match=lacking):
        Waiver.model_validate(told)


def test_together_the_gravest_counts_and_nothing_is_unknown():
    assert together([]) is Verdict.UNKNOWN
    assert together([Verdict.PASS, Verdict.UNKNOWN]) is Verdict.UNKNOWN
    assert together([Verdict.UNKNOWN, Verdict.FAIL]) is Verdict.FAIL
    assert together([Verdict.NOT_APPLICABLE, Verdict.PASS]) is Verdict.PASS


def test_an_answer_holds_for_its_time_and_an_unanswered_question_is_unknown():
    control = Control(id="R2", title=WORDS, question=WORDS)
    asked = Catalogue(version="1", checks={}, controls={"R2": control}, frameworks={})
    reply = Reply(answer="yes", because="fiche du 3 mars", owner="DSI", on=date(2026, 3, 3), valid_days=264)
    (fresh,) = answers(asked, {"R2": reply}, NOW)
    assert (fresh.verdict, fresh.owner) == (Verdict.PASS, "DSI")
    (stale,) = answers(asked, {"R2": reply.model_copy(update={"valid_days": 263})}, NOW)
    assert stale.verdict is Verdict.UNKNOWN
    (none,) = answers(asked, {}, NOW)
    assert none.verdict is Verdict.UNKNOWN


EVERY_NODE = {"fact": "certificates{}.days_left", "expect": {"each": {"at_least": 30}}}


@pytest.mark.parametrize(("left", "wanted"), [(90, Verdict.UNKNOWN), (3, Verdict.FAIL)])
def test_of_a_section_read_in_part_only_a_failure_is_certain(left, wanted):
    part = {"certificates": {"data": {"node-1": {"days_left": left}}, "error": "node-2 is offline"}}
    found = verdict(a_check(**EVERY_NODE), part)
    assert found.verdict is wanted
    assert found.verdict is Verdict.FAIL or "node-2 is offline" in found.reason


def test_elements_of_which_none_tells_the_fact_are_no_empty_list():
    check = a_check(**EVERY_NODE)
    assert verdict(check, {"certificates": {"data": {}}}).verdict is Verdict.PASS
    assert verdict(check, {"certificates": {"data": {"node-1": {}}}}).verdict is Verdict.UNKNOWN
