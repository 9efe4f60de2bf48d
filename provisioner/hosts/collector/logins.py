"""How people are let in and become root: PAM, sudo."""

from __future__ import annotations

import json
import os
import re
from glob import glob
from typing import Any

from provisioner.hosts.collector.look import Unseen, drop_ins, kept, lines, program, read, run, there
from provisioner.hosts.collector.shared import has

FOLDERS = ("/etc/pam.d", "/usr/lib/pam.d")
PWQUALITY = "/etc/security/pwquality.conf"
DEEPEST = 12

_LINE = re.compile(
    r"-?(?P<type>auth|account|password|session)\s+(?P<control>\[[^\]]*\]|\S+)\s+(?P<rest>\S.*)"
)


def pam() -> dict[str, list[dict[str, Any]]]:
    """The rules of each service, with what they include put in its place."""
    texts = {}
    for folder in reversed(FOLDERS):
        for path in glob(f"{folder}/*"):
            texts[os.path.basename(path)] = kept(path)
    if not texts:
        raise Unseen("/etc/pam.d holds no services")
    return {name: pam_rules(name, texts) for name in sorted(texts)}


def pam_rules(name: str, texts: dict[str, str], only: str = "", depth: int = 0) -> list[dict[str, Any]]:
    """The rules of a service, of one type only if that is told (pam.d(5))."""
    if depth > DEEPEST:
        raise Unseen(f"/etc/pam.d/{name} includes itself")
    rules = []
    for line in lines(texts.get(name, "").replace("\\\n", " ")):
        bare = line.split(" #", 1)[0]
        if bare.startswith("@include"):
            rules += pam_rules(bare.split()[-1].rsplit("/", 1)[-1], texts, only, depth + 1)
            continue
        match = _LINE.fullmatch(bare)
        if not match or only not in ("", match["type"]):
            continue
        words = re.findall(r"\[[^\]]*\]|\S+", match["rest"])
        if match["control"] in {"include", "substack"}:
            rules += pam_rules(words[0].rsplit("/", 1)[-1], texts, match["type"], depth + 1)
        else:
            module = words[0].rsplit("/", 1)[-1]
            rules.append(
                {"type": match["type"], "control": match["control"], "module": module, "args": words[1:]}
            )
    return rules


def pwquality() -> dict[str, Any]:
    """What passwords have to be like; empty where nothing is said.

    Unlike elsewhere the file is read after its drop-ins, and has the last word (pwquality.conf(5)).
    """
    file, *before = drop_ins(PWQUALITY, f"{PWQUALITY}.d")
    return _settings([*before, file])


def faillock() -> dict[str, Any]:
    """How many wrong passwords lock an account; empty where nothing is said."""
    return _settings(["/etc/security/faillock.conf"])


def _settings(paths: list[str]) -> dict[str, Any]:
    """`key = value` lines; a key alone is true."""
    found: dict[str, Any] = {}
    for line in (line for path in paths for line in lines(kept(path))):
        key, equals, value = line.split("#", 1)[0].partition("=")
        found[key.strip()] = value.strip() if equals else True
    return found


def sudo() -> dict[str, Any] | None:
    """Who may become whom, with aliases resolved; null where sudo is not installed."""
    if not there("/etc/sudoers") or not has("sudo", "sudo-ldap"):
        return None
    if not program("cvtsudoers"):
        raise Unseen("cvtsudoers, which reads sudo's rules, is not installed")
    read("/etc/sudoers")  # cvtsudoers says less of why it could not
    return sudo_in(json.loads(run("cvtsudoers", "-e", "-f", "json", "/etc/sudoers")))


def sudo_in(told: dict[str, Any]) -> dict[str, Any]:
    """What cvtsudoers says."""
    defaults = [text for entry in told.get("Defaults", []) for text in _defaults(entry)]
    rules = [rule for spec in told.get("User_Specs", []) for rule in _rules(spec)]
    return {"defaults": sorted(defaults), "rules": rules}


def _defaults(entry: dict[str, Any]) -> list[str]:
    """Options as sudoers writes them: `use_pty`, `!visiblepw`, `env_keep+=LANG`, `:admin !lecture`."""
    bound = ",".join(_member(one) for one in entry.get("Binding", []))
    before = f":{bound} " if bound else ""
    return [before + text for option in entry.get("Options", []) for text in _option(option)]


def _option(option: dict[str, Any]) -> list[str]:
    sign = {"list_add": "+=", "list_remove": "-=", "list_assign": "="}.get(option.get("operation", ""), "=")
    found = []
    for name, value in option.items():
        if isinstance(value, bool):
            found.append(name if value else f"!{name}")
        elif name != "operation":
            text = " ".join(map(str, value)) if isinstance(value, list) else value
            found.append(f"{name}{sign}{text}")
    return found


def _member(one: dict[str, Any]) -> str:
    """A member of a list, as sudoers writes it."""
    ((_, name),) = [(key, value) for key, value in one.items() if key != "negated"] or [("", "?")]
    kinds = {
        "usergroup": "%", "userid": "#", "usergid": "%#", "netgroup": "+", "nonunixgroup": "%:",
        "nonunixgid": "%:#",
    }  # fmt: skip
    kind = next((kinds[key] for key in one if key in kinds), "")
    return f"{'!' if one.get('negated') else ''}{kind}{name}"


def _rules(spec: dict[str, Any]) -> list[dict[str, Any]]:
    who = [_member(one) for one in spec.get("User_List", [])]
    found = []
    for part in spec.get("Cmnd_Specs", []):
        users = ",".join(_member(one) for one in part.get("runasusers", [])) or "root"
        groups = ",".join(_member(one).replace("%", "") for one in part.get("runasgroups", []))
        rule = {
            "runas": f"{users}:{groups}" if groups else users,
            "tags": sorted({tag for option in part.get("Options", []) for tag in _tags(option)}),
            "commands": [_member(one) for one in part.get("Commands", [])],
        }
        found += [{"who": one, **rule} for one in who]
    return found


TAGS = {
    "authenticate": ("PASSWD", "NOPASSWD"),
    "noexec": ("NOEXEC", "EXEC"),
    "setenv": ("SETENV", "NOSETENV"),
    "log_input": ("LOG_INPUT", "NOLOG_INPUT"),
    "log_output": ("LOG_OUTPUT", "NOLOG_OUTPUT"),
    "send_mail": ("MAIL", "NOMAIL"),
    "follow": ("FOLLOW", "NOFOLLOW"),
    "sudoedit_follow": ("FOLLOW", "NOFOLLOW"),
    "intercept": ("INTERCEPT", "NOINTERCEPT"),
}


def _tags(option: dict[str, Any]) -> list[str]:
    return [TAGS[name][0 if value else 1] for name, value in option.items() if name in TAGS]
