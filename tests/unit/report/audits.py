"""An audit with something of everything, and its catalogue, for the tests of its reports."""

from datetime import UTC, date, datetime, timedelta

from provisioner.model.catalogue import Catalogue, Check, Control, Framework
from provisioner.model.finding import Answer, Audit, Finding, Subject, Verdict, Waived

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>\x07 & é'
BORNE = Waived("RSSI – É. Brès", "appliance de l’éditeur", "bastion et journalisation", date(2026, 12, 10))
LAPSED = Waived("DSI", "migration en cours", "filtrage au pare-feu", date(2026, 10, 1))
SUBJECTS = (
    Subject("ventoux-1", "host", "node", 2, "carpentras"),
    Subject("ventoux-2", "host", "node", 2, "carpentras"),
    Subject("dpi-db", "host", "vm", 3, "carpentras"),
    Subject("temoin", "host", "witness", 2, None),
    Subject("carpentras", "site", "", 0, "carpentras"),
)


def check(key, severity="medium", effort="low", of="host", **more):
    told = {
        "id": key,
        "title": {"fr": f"{key} : état visé à l’écran", "en": f"{key}: the good state"},
        "explanation": {"fr": "Ce qui est regardé, et pourquoi.", "en": "What is looked at, and why."},
        "severity": severity,
        "effort": effort,
        "of": of,
        "fact": "sshd.permitrootlogin",
        "expect": {"equals": "no"},
        "remediation": {"role": "ssh", "tag": "ssh"},
        "examples": {"good": {}, "bad": {}},
    }
    return Check.model_validate(told | more)


def catalogue():
    by_hand = {"by": {"fr": "activer la double authentification", "en": "turn on two-factor login"}}
    checks = (
        check("ssh-root-login", "high"),
        check("ssh-ciphers", "low", "high"),
        check("kernel-kptr", "critical", "medium"),
        check("time-nts"),
        check("pve-tfa", "critical", "low", of="site", remediation=by_hand),
        check("backup-missing", "high", of="estate"),
    )
    controls = (
        Control.model_validate(
            {
                "id": "SSH-1", "title": {"fr": "Accès SSH maîtrisé", "en": "SSH access under control"},
                "level": "intermediary", "checks": ["ssh-root-login", "ssh-ciphers"], "topics": ["access"],
                "references": {"cis-debian-13/1.0.0": ["5.1.21"]},
            }
        ),
        Control.model_validate(
            {"id": "R9", "title": {"fr": "Noyau durci", "en": "Hardened kernel"}, "checks": ["kernel-kptr"]}
        ),
        Control.model_validate(
            {"id": "T1", "title": {"fr": "Heure juste", "en": "Right time"}, "checks": ["time-nts"]}
        ),
        Control.model_validate(
            {
                "id": "R2", "title": {"fr": "Microprogramme réglé", "en": "Firmware set up"},
                "question": {
                    "fr": "Le microprogramme est-il réglé ?", "en": "Is the firmware set up?",
                    "evidence": {"fr": "fiche datée", "en": "dated sheet"},
                },
            }
        ),
        Control.model_validate(
            {"id": "R80", "title": {"fr": "Surface réduite", "en": "Small surface"},
             "question": {"fr": "Est-elle revue ?", "en": "Is it reviewed?"},
             "instead": {"how": "audit-only", "reason": {"fr": "Nul ne la règle.", "en": "Nobody sets it."},
                         "measure": {"fr": "Une revue.", "en": "A review."}}}
        ),
    )  # fmt: skip
    hds = Framework.model_validate(
        {
            "id": "hds", "title": {"fr": "HDS : hébergement", "en": "HDS: hosting"}, "version": "2.0",
            "source": "arrêté du 26 avril 2024",
            "requirements": [
                {"id": "EXI 05.D", "title": {"fr": "Accès", "en": "Access"}, "topics": ["access"]},
                {"id": "EXI 05.G", "title": {"fr": "Noyau", "en": "Kernel"}, "controls": ["R9", "R2"],
                 "confidence": "low"},
                {"id": "EXI 28", "title": {"fr": "Localisation", "en": "Location"}},
            ],
        }
    )  # fmt: skip
    return Catalogue(
        version="abc123",
        checks={one.id: one for one in checks},
        controls={one.id: one for one in controls},
        frameworks={"hds": hds},
    )


FINDINGS = (
    Finding("ssh-root-login", "ventoux-1", Verdict.FAIL, "sshd.permitrootlogin is yes, not no", "yes"),
    Finding("ssh-root-login", "ventoux-2", Verdict.FAIL, "sshd.permitrootlogin is yes, not no", "yes"),
    Finding("ssh-root-login", "dpi-db", Verdict.PASS, "as expected", "no"),
    Finding("ssh-root-login", "temoin", Verdict.UNKNOWN, "temoin: no answer within 10 s"),
    Finding("ssh-ciphers", "ventoux-1", Verdict.PASS, "as expected", "aes256-gcm@openssh.com"),
    Finding("ssh-ciphers", "ventoux-2", Verdict.WAIVED, f"sshd.ciphers has {HOSTILE}", HOSTILE, BORNE),
    Finding("ssh-ciphers", "dpi-db", Verdict.NOT_APPLICABLE, "there is no sshd here"),
    Finding("ssh-ciphers", "temoin", Verdict.UNKNOWN, "temoin: no answer within 10 s"),
    Finding("kernel-kptr", "ventoux-1", Verdict.PASS, "as expected", "2"),
    Finding(
        "kernel-kptr",
        "ventoux-2",
        Verdict.FAIL,
        'sysctl."kernel.kptr_restrict" is 0, none of 1, 2; the waiver of DSI expired on 2026-10-01',
        "0",
        LAPSED,
    ),
    Finding(
        "kernel-kptr",
        "dpi-db",
        Verdict.NOT_APPLICABLE,
        "a container shares the kernel of its host, which is asked instead",
    ),
    Finding("kernel-kptr", "temoin", Verdict.UNKNOWN, "temoin: no answer within 10 s"),
    Finding("time-nts", "ventoux-1", Verdict.PASS, "as expected", "yes"),
    Finding("time-nts", "ventoux-2", Verdict.PASS, "as expected", "yes"),
    Finding("time-nts", "dpi-db", Verdict.PASS, "as expected", "yes"),
    Finding("time-nts", "temoin", Verdict.UNKNOWN, "temoin: no answer within 10 s"),
    Finding("pve-tfa", "carpentras", Verdict.FAIL, "=cmd|' /C calc'!A1 is bad", "=HYPERLINK(1)"),
)
ANSWERS = (
    Answer("R2", Verdict.PASS, "fiche du 3 mars 2026", "Responsable infrastructure", date(2026, 3, 3)),
    Answer("R80", Verdict.UNKNOWN, "nobody has answered"),
)


def audit(**other):
    told = {
        "at": AT,
        "estate": "Synergia – cliniques",
        "scope": "lab",
        "catalogue": "abc123",
        "subjects": SUBJECTS,
        "findings": FINDINGS,
        "answers": ANSWERS,
        "broken": ("controls/checks/ssh.yml:12:3: ssh-x: there is no operator 'equal'",),
    }
    return Audit(**(told | other))


def previous():
    """A month before: root could not log in to ventoux-1, its kernel was wrong, and dpi-db was not there."""
    was = {
        ("ssh-root-login", "ventoux-1"): Verdict.PASS,
        ("kernel-kptr", "ventoux-1"): Verdict.FAIL,
        ("ssh-ciphers", "ventoux-2"): Verdict.FAIL,
        ("time-nts", "temoin"): Verdict.PASS,
    }
    findings = tuple(
        Finding(one.check, one.subject, was.get((one.check, one.subject), one.verdict), "then")
        for one in FINDINGS
        if one.subject != "dpi-db"
    )
    subjects = (*(one for one in SUBJECTS if one.name != "dpi-db"), Subject("ancien", "host", "vm", 1, None))
    return audit(
        at=AT - timedelta(days=30), catalogue="older", subjects=subjects, findings=findings, broken=()
    )


def clean(*verdicts):
    """An audit of one host with these verdicts only, and nothing to say besides."""
    findings = tuple(
        Finding(key, "ventoux-1", verdict, "as expected", "no", BORNE if verdict is Verdict.WAIVED else None)
        for key, verdict in zip(("ssh-root-login", "ssh-ciphers", "time-nts"), verdicts, strict=False)
    )
    return audit(subjects=SUBJECTS[:1], findings=findings, answers=(), broken=())
