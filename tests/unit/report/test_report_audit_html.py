"""The page of an audit: what it says, that it escapes, and that it loads nothing."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from audits import AT, HOSTILE, SUBJECTS, audit, catalogue, check, clean, previous

from provisioner.errors import BastideError
from provisioner.model.finding import Finding, Subject, Verdict
from provisioner.report.audit_actions import Gap, gaps
from provisioner.report.audit_conclusion import conclusion
from provisioner.report.audit_html import html, paper
from provisioner.report.audit_tally import Tally
from provisioner.share import share

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes, the text, and what was left open or closed twice."""

    def __init__(self, source):
        super().__init__()
        self.elements, self.open, self.wrong, self.words = [], [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append((tag, self.getpos()))

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module", params=["fr", "en"])
def language(request):
    return request.param


@pytest.fixture(scope="module")
def page(language):
    return Page(html(audit(), catalogue(), previous=previous(), language=language))


@pytest.fixture(scope="module")
def french():
    return Page(html(audit(), catalogue(), previous=previous(), language="fr"))


def test_every_element_is_closed_and_ids_are_unique(page):
    assert (page.wrong, page.open) == ([], [])
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_link_leads_to_a_place_on_the_page(page):
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = [attributes["href"] for attributes in page.all("a")]
    assert links
    assert {link for link in links if link[0] != "#" or link[1:] not in ids} == set()


def test_nothing_is_loaded_and_nothing_runs(page, language):
    source = html(audit(), catalogue(), language=language)
    assert {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "form"} == set()
    assert not [key for _, attributes in page.elements for key in attributes if key in {"src", "onclick"}]
    assert not re.search(r"url\(|@import|https?://", source)
    policy = [one["content"] for one in page.all("meta") if one.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_what_hosts_say_is_text(page):
    assert '<script>alert("x")</script>' in page.text
    assert "\x07" not in page.text
    assert HOSTILE[0] == "<"


def test_readers_by_ear_find_landmarks_headings_and_headers_of_tables(page, language):
    tags = [tag for tag, _ in page.elements]
    assert page.all("html") == [{"lang": language}]
    assert [tags.count(tag) for tag in ("main", "header", "nav", "footer", "h1")] == [1, 1, 1, 1, 1]
    assert tags.count("caption") == tags.count("table")
    assert all("scope" in attributes for attributes in page.all("th"))
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    sections = page.all("section")
    headings = {one.get("id") for one in page.all("h2")}
    assert sections
    assert all(one["aria-labelledby"] in headings for one in sections)


def test_each_verdict_has_a_word_beside_its_colour(page):
    words = {"fail": "échec|failure", "unknown": "inconnu|unknown", "waived": "dérogation|waived"}
    for word in words.values():
        assert re.search(word, page.text)


def test_the_headline_counts_failing_checks_and_not_findings(french):
    assert "Des corrections sont nécessaires : 3 vérifications en échec, sur 3 des 5 sujets." in french.text
    assert "Par gravité : critique 2, élevée 1." in french.text
    assert "Rien n’a été vu de 1 sujet : temoin." in french.text


def test_the_scope_the_limits_and_the_versions_are_said(french):
    assert "Laboratoire : machines d’essai" in french.text
    assert "contribue à une exigence ; elle ne la prouve pas" in french.text
    assert "abc123" in french.text
    assert "backup-missing" in french.text  # a check that nothing was asked of
    assert "there is no operator" in french.text


def test_who_looked_with_what_and_which_versions_ran_is_said():
    debian, other = "Debian 13.2, Proxmox VE 9.1.1", "Debian 12.9"
    subjects = (
        Subject("ventoux-1", "host", "node", 2, "carpentras", debian),
        Subject("ventoux-2", "host", "node", 2, "carpentras", debian),
        Subject("dpi-db", "host", "vm", 3, "carpentras", other),
    )
    told = audit(
        subjects=subjects, operator="camille@bastion", versions={"bastide": "0.0.1", "python": "3.13.5"}
    )
    text = Page(html(told, catalogue(), language="fr")).text
    assert "camille@bastion" in text.split("Opérateur, selon la machine")[1][:20]
    assert "bastide 0.0.1, python 3.13.5 – ce rapport est écrit par bastide" in text
    assert f"{debian}ventoux-1, ventoux-2" in text
    assert f"{other}dpi-db" in text


def test_what_one_section_lacks_on_the_same_hosts_is_told_once():
    lacking = [
        Finding(key, name, Verdict.UNKNOWN, f'sysctl."{key}" is not set')
        for key in ("kernel-kptr", "time-nts")
        for name in ("ventoux-1", "ventoux-2")
    ]
    alone = Finding("ssh-ciphers", "ventoux-1", Verdict.UNKNOWN, "sshd.ciphers is not set")
    (both, one) = gaps(Tally(audit(findings=(*lacking, alone)), catalogue()))
    assert both == Gap(
        "sysctl tells nothing of what is asked", ("ventoux-1", "ventoux-2"), ("kernel-kptr", "time-nts")
    )
    assert one == Gap("sshd.ciphers is not set", ("ventoux-1",), ("ssh-ciphers",))


def test_each_kind_of_what_was_asked_is_counted(french):
    asked = french.text.split("Ce qui a été demandé")[1].split("Ce qui n’a pas été examiné")[0]
    assert asked.split() == [
        "nœud",
        "Proxmox",
        "VE",
        ":",
        "2",
        "machine",
        "virtuelle",
        ":",
        "1",
        "témoin",
        ":",
        "1",
        "site",
        ":",
        "1",
    ]


def test_actions_stand_by_severity_then_by_effort(french):
    plan = french.text.split("Par gravité, puis par effort")[1].split("Comparé à l’audit")[0]
    places = [plan.index(key) for key in ("pve-tfa", "kernel-kptr", "ssh-root-login")]
    assert places == sorted(places)
    assert "rôle ssh, étiquette ssh" in plan
    assert "activer la double authentification" in plan


def test_what_changed_since_the_audit_before_is_told(french):
    changed = french.text.split("Comparé à l’audit")[1].split("Pour chaque exigence")[0]
    for title, key, subject in (
        ("Nouveaux échecs (1)", "ssh-root-login", "ventoux-1"),
        ("Corrigé (1)", "kernel-kptr", "ventoux-1"),
        ("Devenu inconnu (1)", "time-nts", "temoin"),
        ("Autres changements (1)", "ssh-ciphers", "ventoux-2"),
    ):
        part = changed.split(title)[1][:120]
        assert key in part
        assert subject in part
    assert "Sujets nouveaux : dpi-db" in changed
    assert "n’était pas le même" in changed


def test_waivers_show_who_bears_them_until_when(french):
    told = french.text.split("2 dérogations")[1].split("Questions aux personnes")[0]
    assert "10 décembre 2026" in told
    assert "RSSI – É. Brès" in told
    assert "bastion et journalisation" in told
    assert re.search(r"1er octobre 2026\s+✕ expirée : compte en échec", told)


def test_a_requirement_to_which_nothing_contributes_is_out_of_sight(french):
    assert re.search(r"EXI 28 – Localisation\s*○ hors de vue de l’outil", french.text)


def test_why_no_role_applies_a_control_is_told(french):
    assert "s’examine, ne se règle pas" in french.text
    assert "Nul ne la règle. Une revue." in french.text


def test_nobody_is_said_to_comply(page):
    assert not re.search(
        r"\bcompl(y|ies|iant)\b|\bconformes? à\b|\ben conformité\b", page.text, re.IGNORECASE
    )


def test_one_framework_leaves_out_what_it_does_not_ask(language):
    page = Page(html(audit(), catalogue(), language=language, framework="hds"))
    assert "kernel-kptr" in page.text
    assert "time-nts" not in page.text
    assert page.wrong == []


def test_one_framework_says_nothing_of_who_it_asks_nothing(language):
    page = Page(html(audit(), catalogue(), language=language, framework="hds"))
    assert [one for _, one in page.elements if one.get("id") == "s-carpentras"] == []
    assert "pve-tfa" not in page.text


@pytest.mark.parametrize(
    ("verdicts", "seen"),
    [
        ((Verdict.NOT_APPLICABLE, Verdict.UNKNOWN), False),
        ((Verdict.NOT_APPLICABLE,), True),
        ((Verdict.FAIL, Verdict.UNKNOWN), True),
        ((), False),
    ],
)
def test_a_host_is_unseen_when_all_that_applies_is_unknown(verdicts, seen):
    [state] = Tally(clean(*verdicts), catalogue()).subjects
    assert state.seen is seen


def test_a_hosts_failures_stand_before_its_waivers_and_by_severity():
    states = {state.subject.name: state for state in Tally(audit(), catalogue()).subjects}
    assert [one.check for one in states["ventoux-2"].open] == ["kernel-kptr", "ssh-root-login", "ssh-ciphers"]


def test_an_unknown_framework_is_refused_with_the_known_ones():
    with pytest.raises(BastideError) as refused:
        html(audit(), catalogue(), framework="iso")
    assert "hds" in refused.value.told


def test_paper_counts_what_is_as_expected_without_showing_it():
    told = Page(paper(audit(), catalogue(), language="fr"))
    assert told.wrong == []
    assert "aes256-gcm@openssh.com" not in told.text
    assert "Édition abrégée" in told.text
    assert [one for one in told.all("a") if one["href"].startswith("#c-")] == []


@pytest.mark.parametrize(
    ("verdicts", "verdict", "said"),
    [
        ((), Verdict.UNKNOWN, "Nothing was looked at"),
        ((Verdict.UNKNOWN, Verdict.UNKNOWN), Verdict.UNKNOWN, "Nothing was looked at"),
        ((Verdict.NOT_APPLICABLE,), Verdict.UNKNOWN, "Nothing was looked at"),
        ((Verdict.PASS, Verdict.UNKNOWN), Verdict.UNKNOWN, "1 of 2 verdicts are unknown"),
        ((Verdict.PASS, Verdict.WAIVED), Verdict.WAIVED, "borne by a waiver"),
        ((Verdict.PASS, Verdict.NOT_APPLICABLE), Verdict.PASS, "as expected"),
        ((Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL), Verdict.FAIL, "1 check fails, on 1 of 1 subject"),
    ],
)
def test_the_conclusion_never_says_more_than_was_seen(verdicts, verdict, said):
    told = conclusion(Tally(clean(*verdicts), catalogue()), "en")
    assert told.verdict is verdict
    assert said in told.headline


def test_an_audit_of_nothing_is_a_page_too(language):
    page = Page(html(audit(subjects=(), findings=(), answers=(), broken=()), catalogue(), language=language))
    assert page.wrong == []


def test_many_hosts_that_say_the_same_take_one_line():
    checks = {f"check-{number}": check(f"check-{number}") for number in range(40)}
    subjects = tuple(Subject(f"host-{number:03}", "host", "vm", 1) for number in range(100))
    findings = tuple(
        Finding(key, one.name, Verdict.FAIL, "sysctl is 0, not 1", "0") for key in checks for one in subjects
    )
    big = catalogue().model_copy(update={"checks": checks})
    one = audit(subjects=subjects, findings=findings, answers=(), broken=())
    source = html(one, big, language="fr")
    assert source.count("tous (100)") >= len(checks)
    assert len(source) < 250 * len(findings)


def test_the_date_is_the_audits_own(page, language):
    assert f"22 {'novembre' if language == 'fr' else 'November'} 2026" in page.text
    assert AT.isoformat() in page.text
    assert all(one.name in page.text for one in SUBJECTS)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * one for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1, 2], ids=["light", "dark", "print"])
def test_every_colour_of_words_stands_out_from_its_ground(theme):
    themes = re.findall(
        r":root \{(.*?)\}", (share("templates") / "audit" / "style.css").read_text(), re.DOTALL
    )
    colours = dict(re.findall(r"--(\w+): (#\w+)", themes[theme]))
    assert {"fg", "bg", "soft", "mute", "link", *Verdict} <= set(colours)
    for ground in ("bg", "soft"):
        for name in set(colours) - {"bg", "soft", "line"}:
            lighter, darker = sorted((luminance(colours[name]), luminance(colours[ground])), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (name, ground)
