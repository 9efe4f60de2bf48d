"""The JSON Schema of an estate document, so that editors complete and check it (draft 2020-12).

A document is one file of an estate: it may include others and rest upon defaults. So what one file lacks is
no fault here; that the estate as a whole is complete is for `bastide validate` to say.
"""

from __future__ import annotations

from typing import Any

from provisioner.model.estate import Estate

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_COMPLETE = frozenset(
    {
        *("AclEntry", "Rule", "IpSetEntry", "Replication", "TcpCheck", "HttpCheck", "SqlCheck"),
        *("Contact", "Window", "BackupPolicy", "ReplicationPolicy", "HardeningPolicy", "Witness"),
    }
)
"""Parts that stand whole in one place: elements of lists, which are replaced, and what has no defaults."""
_KEPT = {"Vm": ["vmid"], "Ct": ["vmid"], "Service": ["title"]}
"""What a part must say itself, whatever its defaults."""

Schema = dict[str, Any]


def document_schema() -> Schema:
    """The schema of a file of an estate, with `include`, `defaults` and guests without `kind`."""
    schema: Schema = _plain(Estate.model_json_schema(by_alias=True))
    parts: Schema = schema["$defs"]
    for name, part in parts.items():
        if name not in _COMPLETE:
            _loosen(part, _KEPT.get(name, []))
    for name in ("Site", "Vm", "Ct", "Service"):
        parts[f"{name}Defaults"] = {key: value for key, value in parts[name].items() if key != "required"}
    _loosen(schema, [])
    schema["properties"] = {"include": _INCLUDE, "defaults": _DEFAULTS, **schema["properties"]}
    return {"$schema": DIALECT, **schema, "title": "Bastide estate"}


def _plain(value: Any) -> Any:
    """A schema without what only OpenAPI knows; names without a pattern are errors, `oneOf` is `anyOf`."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {
        key: _plain(one) for key, one in value.items() if key != "discriminator" or "propertyName" not in one
    }
    if "oneOf" in made:
        made["anyOf"] = made.pop("oneOf")
    if isinstance(made.get("patternProperties"), dict):
        made["additionalProperties"] = False
    return made


def _loosen(part: Schema, kept: list[str]) -> None:
    part.pop("required", None)
    if kept:
        part["required"] = kept


def _ref(*names: str) -> Schema:
    refs = [{"$ref": f"#/$defs/{name}Defaults"} for name in names]
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


_INCLUDE: Schema = {
    "description": "Other files of the estate, relative to this one; `*` is allowed.",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    "examples": [["sites/*.yml", "services.yml"]],
}
_DEFAULTS: Schema = {
    "description": "What every site, guest and service has unless it says otherwise; lists are replaced.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "site": _ref("Site"),
        "guest": _ref("Vm", "Ct"),
        "vm": _ref("Vm"),
        "ct": _ref("Ct"),
        "service": _ref("Service"),
    },
}
