"""One YAML file as plain values that remember where they stand.

YAML 1.2 core scalars only, by PyYAML's C parser: `no`, `on` and `22:30` are text, `0o17` is fifteen, `010` is
ten. Keys are always text. Anchors, aliases and merge keys work; a key that stands twice is a problem.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provisioner.errors import Problem

Step: TypeAlias = "str | int"
Spot: TypeAlias = tuple[yaml.Mark, yaml.Mark]
"""Where a key and its value begin; for an element of a list twice the same."""

TAG = "tag:yaml.org,2002:"
NULL, BOOL, INT, FLOAT, STR, MERGE = (
    f"{TAG}{name}" for name in ("null", "bool", "int", "float", "str", "merge")
)
_NUMBER: list[str | None] = list("-+.0123456789")
CORE: tuple[tuple[str, str, list[str | None]], ...] = (
    (NULL, r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    (BOOL, r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    (INT, r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    (FLOAT, r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", _NUMBER),
    (FLOAT, r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", list("-+.")),
    (MERGE, r"^<<$", ["<"]),
)
"""Tag, pattern and first characters of every scalar that is not text (YAML 1.2.2, 10.3)."""

_DEEPEST = 60


class Core(yaml.CSafeLoader):
    """PyYAML's C parser with the scalars of YAML 1.2's core schema."""


Core.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in CORE:
    Core.add_implicit_resolver(_tag, re.compile(_pattern), _first)


class Map(dict[str, Any]):
    """A mapping that remembers where each key and value stands."""

    __slots__ = ("spots",)

    def __init__(self) -> None:
        super().__init__()
        self.spots: dict[str, Spot] = {}

    def put(self, key: str, value: Any, spot: Spot) -> None:
        """Set a key together with its place."""
        self[key] = value
        self.spots[key] = spot

    def drop(self, key: str) -> None:
        """Forget a key and its place."""
        del self[key], self.spots[key]

    def copied(self) -> Map:
        """A copy of this level; the values are shared."""
        twin = Map()
        twin.update(self)
        twin.spots = dict(self.spots)
        return twin


class Seq(list[Any]):
    """A list that remembers where each element stands."""

    __slots__ = ("spots",)

    def __init__(self) -> None:
        super().__init__()
        self.spots: list[Spot] = []

    def drop(self, index: int) -> None:
        """Forget an element and its place."""
        del self[index], self.spots[index]

    def copied(self) -> Seq:
        """A copy of this level; the values are shared."""
        twin = Seq()
        twin.extend(self)
        twin.spots = list(self.spots)
        return twin


@dataclass(frozen=True, slots=True)
class Source:
    """What one file says, and what is wrong with it as YAML. `top` is None if it is no mapping."""

    top: Map | None
    problems: tuple[Problem, ...]


def problem_at(mark: yaml.Mark, message: str, hint: str = "") -> Problem:
    """A problem at a place that the parser told."""
    return Problem(mark.name, mark.line + 1, mark.column + 1, message, hint)


def read(path: Path) -> Source:
    """Read a file. What cannot be read or parsed becomes a problem, never an exception."""
    try:
        stream = io.StringIO(path.read_text(encoding="utf-8"))
        stream.name = str(path)  # where the C parser finds the name for its marks
        node = yaml.compose(stream, Loader=Core)
    except OSError as trouble:
        return Source(None, (Problem(str(path), 1, 1, f"cannot be read: {trouble.strerror}"),))
    except UnicodeDecodeError as trouble:
        message = f"is not UTF-8 text (byte {trouble.start})"
        return Source(None, (Problem(str(path), 1, 1, message, "save it as UTF-8"),))
    except yaml.YAMLError as trouble:
        return Source(None, (_broken(path, trouble),))
    if not isinstance(node, MappingNode):
        message = "the file holds no mapping" if node else "the file is empty"
        return Source(None, (Problem(str(path), 1, 1, message, "write keys with values, such as `guests:`"),))
    reading = _Reading()
    return Source(reading.mapping(node), tuple(reading.problems))


def _broken(path: Path, trouble: yaml.YAMLError) -> Problem:
    """What the parser stumbled over, in its words, at its place."""
    if isinstance(trouble, yaml.MarkedYAMLError) and trouble.problem_mark:
        mark = trouble.problem_mark
        said = " ".join(part for part in (trouble.context, trouble.problem) if part)
        return Problem(
            str(path),
            mark.line + 1,
            mark.column + 1,
            f"broken YAML: {said}",
            "check the indentation and quotes",
        )
    reason = getattr(trouble, "reason", "it cannot be parsed")
    return Problem(str(path), 1, 1, f"broken YAML: {reason}", "remove control characters")


@dataclass(slots=True)
class _Reading:
    """One conversion of nodes to values; the problems met on the way."""

    problems: list[Problem] = field(default_factory=list)
    open: list[int] = field(default_factory=list)

    def value(self, node: Node) -> Any:
        """The value of a node; one that cannot be is None, and a problem."""
        if isinstance(node, ScalarNode):
            return self.scalar(node)
        if id(node) in self.open or len(self.open) > _DEEPEST:
            self.say(node.start_mark, "an anchor holds itself, or the nesting has no end", "write it out")
            return None
        self.open.append(id(node))
        made = self.mapping(node) if isinstance(node, MappingNode) else self.sequence(node)
        self.open.pop()
        return made

    def say(self, mark: yaml.Mark, message: str, hint: str = "") -> None:
        """Note a problem."""
        self.problems.append(problem_at(mark, message, hint))

    def sequence(self, node: Node) -> Seq:
        """A list with the places of its elements."""
        made = Seq()
        if isinstance(node, SequenceNode):
            for child in node.value:
                made.append(self.value(child))
                made.spots.append((child.start_mark, child.start_mark))
        return made

    def mapping(self, node: MappingNode) -> Map:
        """A mapping with the places of its keys; what merge keys bring gives way to what is written."""
        made, merged = Map(), list[Map]()
        for key_node, child in node.value:
            if key_node.tag == MERGE:
                merged.extend(self.merged(child))
            elif not isinstance(key_node, ScalarNode):
                self.say(key_node.start_mark, "a key must be text", "put the key in quotes")
            elif key_node.value in made:
                self.twice(key_node, made.spots[key_node.value][0])
            else:
                made.put(key_node.value, self.value(child), (key_node.start_mark, child.start_mark))
        for source in merged:
            for key, value in source.items():
                if key not in made:
                    made.put(key, value, source.spots[key])
        return made

    def twice(self, node: ScalarNode, first: yaml.Mark) -> None:
        """The same key twice in one mapping."""
        message = f"`{node.value}` stands twice here; the first is at line {first.line + 1}"
        self.say(node.start_mark, message, "remove or rename one of them")

    def merged(self, node: Node) -> Iterator[Map]:
        """The mappings that `<<` names: one, or a list of them."""
        for child in node.value if isinstance(node, SequenceNode) else [node]:
            value = self.value(child)
            if isinstance(value, Map):
                yield value
            else:
                self.say(child.start_mark, "`<<` takes a mapping", "name the anchor of a mapping")

    def scalar(self, node: ScalarNode) -> Any:
        """Text, number, truth value or nothing."""
        text = node.value
        if node.tag == STR:
            return text
        try:
            return _SCALARS[node.tag](text)
        except KeyError:
            self.say(
                node.start_mark, f"the tag `{node.tag}` means nothing here", "write the value without a tag"
            )
        except ValueError:
            self.say(node.start_mark, f"`{text}` is not a {node.tag.removeprefix(TAG)}", "correct its tag")
        return None


def _whole(text: str) -> int:
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


def _decimal(text: str) -> float:
    lower = text.lower()
    return float(lower.replace(".", "") if lower.endswith((".inf", ".nan")) else lower)


_SCALARS: dict[str, Any] = {
    NULL: lambda _text: None,
    BOOL: lambda text: text.lower() == "true",
    INT: _whole,
    FLOAT: _decimal,
    MERGE: str,
}
