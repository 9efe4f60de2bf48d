"""A firewall rule as one line of text: `in ACCEPT macro=SSH source=+dc/admins # from the bastion`.

The line has everything that a rule says, in one order, so that equal rules are equal texts; a rule that is
switched off begins with `off`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.firewall import Rule
from provisioner.model.objects import Value

OFF = "off"
PARAMS = ("macro", "proto", "source", "dest", "sport", "dport", "icmp-type", "iface", "log")
SILENT = "nolog"
"""What `log` means when it says nothing."""


def rule_text(rule: Mapping[str, Any]) -> str:
    """The line of a rule as the API tells it; a rule that does not say `enable` is off."""
    told = {param: "".join(str(rule.get(param) or "").split()) for param in PARAMS}
    if told["log"] == SILENT:
        told["log"] = ""
    words = [
        *([] if int(rule.get("enable") or 0) else [OFF]),
        rule["type"],
        rule["action"],
        *(f"{param}={value}" for param, value in told.items() if value),
    ]
    comment = " ".join(str(rule.get("comment") or "").split())
    return " ".join(words) + (f" # {comment}" if comment else "")


def rule_params(text: str) -> dict[str, str | int]:
    """The parameters of a line, for the API."""
    line, _, comment = text.partition(" # ")
    words = line.split(" ")
    enabled = words[0] != OFF
    kind, action, *rest = words if enabled else words[1:]
    params: dict[str, str | int] = {"type": kind, "action": action, "enable": int(enabled)}
    for word in rest:
        param, _, value = word.partition("=")
        params[param] = value
    return params | ({"comment": comment} if comment else {})


def texts_of(rules: Iterable[Rule]) -> tuple[Value, ...]:
    """The lines of the estate's rules, in their order."""
    return tuple(rule_text(_as_told(rule)) for rule in rules)


def _as_told(rule: Rule) -> dict[str, Any]:
    told = {param: getattr(rule, param.replace("-", "_")) for param in PARAMS}
    return {
        **told,
        "type": rule.type,
        "action": rule.action,
        "enable": int(rule.enabled),
        "comment": rule.comment,
    }


def rules_in_words(texts: Value) -> list[dict[str, Any]]:
    """The `rules` of an estate document."""
    return [_in_words(rule_params(str(text))) for text in texts] if isinstance(texts, tuple) else []


def _in_words(params: dict[str, str | int]) -> dict[str, Any]:
    enabled = params.pop("enable")
    if params["type"] == "in":
        del params["type"]
    told: dict[str, Any] = {param.replace("-", "_"): value for param, value in params.items()}
    return told | ({} if enabled else {"enabled": False})
