"""An estate document as YAML that people like to read and that reads back as it was.

Keys stand in the order of the model, short lists and small mappings on one line, and quotes where YAML 1.1 or
1.2 would otherwise read something else than text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from provisioner.estate.source import CORE
from provisioner.estate.vocabulary import field_key, members
from provisioner.model.estate import Estate

_WIDTH = 88
"""A collection that fits into this many characters, indentation included, stands on one line."""
_ALWAYS_BLOCK = 2
"""Depth of sites, guests and services: below the document and its sections."""
_FIRST = ("kind", "type")
"""What a thing is stands before what it is like."""
_SPACED = ("sites", "guests", "services")


_PARAGRAPHS = re.compile(r"(?:[!-~\u00a1-\ud7ff](?:[ -~\u00a1-\ud7ff]*[!-~\u00a1-\ud7ff])?\n)+")
"""Lines of ordinary characters that begin and end with a visible one: what YAML keeps as it is behind `|`."""


class _Dumper(yaml.SafeDumper):
    """Text that any YAML would take for something else is quoted; keys stay in order, lists are indented."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's signature
        """Indent the elements of a list below their key."""
        super().increase_indent(flow, indentless=False)

    def represent_text(self, value: str) -> ScalarNode:
        """Text of several lines as it is, other text on its line."""
        style = None
        if not value.isprintable():
            style = "|" if _PARAGRAPHS.fullmatch(value) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", str(value), style=style)


for _tag, _pattern, _first in CORE:
    _Dumper.add_implicit_resolver(_tag, re.compile(_pattern), _first)
_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_multi_representer(str, _Dumper.represent_text)


def dump(document: Mapping[str, Any]) -> str:
    """The YAML of an estate document: text, numbers, truth values, nothing, lists and mappings by text."""
    ordered = in_order(document, Estate)
    sections = [_section(key, value) for key, value in ordered.items()]
    text = "".join(section if section.count("\n") == 1 else f"\n{section}" for section in sections)
    return text.removeprefix("\n") or "{}\n"


def in_order(value: Any, annotation: Any) -> Any:
    """A value with the keys of its mappings in the order of the model; unknown keys come last."""
    if isinstance(value, list | tuple):
        beneath = next((get_args(part)[0] for part in members(annotation) if get_origin(part) is tuple), Any)
        return [in_order(one, beneath) for one in value]
    if not isinstance(value, Mapping):
        return value
    fields = _fields(value, annotation)
    inner = next((get_args(part)[1] for part in members(annotation) if get_origin(part) is dict), Any)
    known = sorted(fields, key=lambda key: key not in _FIRST)
    keys = [*(key for key in known if key in value), *(key for key in value if key not in fields)]
    return {key: in_order(value[key], fields.get(key, inner)) for key in keys}


def _fields(value: Mapping[str, Any], annotation: Any) -> dict[str, Any]:
    """Key to type of the model that describes a mapping: of several, the one that knows most of its keys."""
    models = [part for part in members(annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
    described = [
        {field_key(model, name): field.annotation for name, field in model.model_fields.items()}
        for model in models
    ]
    return max(described, key=lambda fields: len(fields.keys() & value.keys()), default={})


def _section(key: str, value: Any) -> str:
    """One key of the document; sites, guests and services stand apart by an empty line."""
    out = io.StringIO()
    dumper = _Dumper(out, width=1_000_000, allow_unicode=True, sort_keys=False)
    node = dumper.represent_data({key: value})
    _shape(node, 0)
    dumper.open()
    dumper.serialize(node)
    dumper.close()
    text = out.getvalue()
    return re.sub(r"\n(?=  \S)", "\n\n", text).replace(":\n\n", ":\n", 1) if key in _SPACED else text


def _shape(node: Node, depth: int) -> int:
    """Decide what stands on one line; the length of the node if it does, far too much otherwise."""
    if isinstance(node, ScalarNode):
        return len(node.value) + 2 if "\n" not in node.value else _WIDTH
    if isinstance(node, MappingNode):
        length = sum(_shape(key, depth) + _shape(value, depth + 1) + 2 for key, value in node.value)
        inner = [value for _key, value in node.value]
        flat = all(_one_line(value) for value in inner) and (depth > _ALWAYS_BLOCK or not inner)
        short = flat and (
            len(inner) == 1 or not any(isinstance(one, MappingNode) and one.value for one in inner)
        )
    else:
        length = sum(_shape(value, depth + 1) + 2 for value in node.value)
        short = all(isinstance(value, ScalarNode) for value in node.value)
    if isinstance(node, CollectionNode):
        node.flow_style = short and length + 2 * depth < _WIDTH
    return length + 2 if _one_line(node) else _WIDTH


def _one_line(node: Node) -> bool:
    return isinstance(node, ScalarNode) or (isinstance(node, CollectionNode) and bool(node.flow_style))
