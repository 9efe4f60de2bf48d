"""Which calls are legal in the Proxmox VE API schema.

The schema is the one of Proxmox VE 9's API viewer, which fakepve carries. fakepve checks types, formats and
required parameters; this room adds what it leaves out: the alternatives of HA rules (`allOf`, `oneOf` by a
type property), and keeps a list of every illegal call so that a test can fail on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from fakepve import schema

Values = dict[str, Any]

NOT_DEFINED = "property is not defined in schema and the schema does not allow additional properties"
FORMATS = ("/api2/json", "/api2/extjs")
# Parameters that hold slashes: the rest of the path belongs to them.
GREEDY = (("content", "/nodes/{node}/storage/{storage}/content/{volume}"), ("ipset", None))
MAX_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Illegal:
    """A call that Proxmox VE would refuse whatever the state of the cluster: a mistake of the caller."""

    site: str
    method: str
    path: str
    template: str | None
    user: str
    problems: Mapping[str, str]


@lru_cache(maxsize=8192)
def match(raw_path: str) -> Any:
    """The schema entry of a request path under /api2 (fakepve's Match), or None."""
    segments = [unquote(segment) for segment in schema_path(raw_path).split("/")]
    return schema.load().match("/".join(segments)) or _greedy(segments)


def schema_path(path: str) -> str:
    """A request path without the prefix of its answer's format."""
    return next((path.removeprefix(known) for known in FORMATS if path.startswith(known + "/")), path)


def _greedy(segments: list[str]) -> Any:
    """Volume names and CIDRs may be sent with their slashes bare."""
    for anchor, keep in (("content", 1), ("ipset", 2)):
        if anchor in segments:
            head = segments.index(anchor) + keep
            rest = "/".join(segments[head:])
            found = schema.load().match("/".join([*segments[:head], "rest"])) if rest else None
            if found:
                name = found.template.rsplit("/", 1)[1].strip("{}")
                return schema.Match(found.template, {**found.params, name: rest}, found.methods)
    return None


def check(template: str, method: str, values: Values) -> tuple[Values, dict[str, str]]:
    """The values of a call in their schema types, and what is wrong with it: `{parameter: text}`."""
    spec = _flat(template, method, str(values.get("type")))
    checked, problems = schema.validate(spec, _joined(spec.get("properties", {}), values))
    return checked, problems


def declared(template: str, method: str, values: Values) -> Mapping[str, Any]:
    """The parameters that the schema defines for a call with these values: `{name: its schema}`."""
    properties: Mapping[str, Any] = _flat(template, method, str(values.get("type"))).get("properties", {})
    return properties


def _joined(properties: Mapping[str, Any], values: Values) -> Values:
    """Arrays that JSON gives for a list format are taken as its comma-separated text."""
    return {
        name: ",".join(map(str, value))
        if isinstance(value, list) and str(properties.get(name, {}).get("format", "")).endswith("-list")
        else value
        for name, value in values.items()
    }


@lru_cache(maxsize=2048)
def _flat(template: str, method: str, kind: str) -> Mapping[str, Any]:
    """The parameter schema of a method with its alternatives resolved for an instance type."""
    spec = schema.load().paths[template][method].get("parameters") or {}
    if "allOf" not in spec:
        return dict(spec)
    properties: dict[str, Any] = {}
    for part in spec["allOf"]:
        properties.update(part.get("properties") or _alternative(part, kind))
    return {"additionalProperties": 0, "properties": properties}


def _alternative(part: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The properties of the `oneOf` member for `kind`; without a known type only the type is defined."""
    discriminator = part["type-property"]
    members = {member["instance-type"]: member["properties"] for member in part["oneOf"]}
    kinds = {discriminator: {"type": "string", "enum": sorted(members), "optional": 0}}
    return {**members.get(kind, {}), **kinds}


def knows(template: str, method: str, name: str) -> bool:
    """Whether a method has a parameter of this name; numbered ones (net0) count as their pattern (net[n])."""
    properties = schema.load().paths[template][method]["parameters"]["properties"]
    return name in properties or f"{name.rstrip('0123456789')}[n]" in properties
