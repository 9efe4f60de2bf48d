"""The language of one kind of guest: API keys on one side, flat attributes on the other.

A key with a value of its own is one attribute (`memory`); a key with a property string is several
(`net0.bridge`, `net0.tag`); a key that we have no word for is `options.<key>`, as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from provisioner.model.objects import Value
from provisioner.resources.properties import Field, Group

OPTION = "options."


def stem(key: str) -> str:
    """A key without its number: `net` of `net0`."""
    return key.rstrip("0123456789")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a kind of guest says its settings."""

    kind: str
    path: str
    """`qemu` or `lxc`, as in `/nodes/pve1/qemu/100`."""
    name: str
    """The attribute that holds the guest's name."""
    fields: tuple[Field, ...]
    groups: Mapping[str, Group]
    """The grammar of property strings, by their keys without number: `net` for `net0`, `net1`, …"""
    always: tuple[str, ...]
    """Keys of property strings whose defaults are attributes even when the key is missing."""
    silent: frozenset[str]
    """Keys, without number, that are nobody's setting: made by Proxmox VE, or its own book-keeping."""
    refine: Callable[[dict[str, Value]], dict[str, Value]] = dict
    """The last touch to what was read."""

    def read(self, config: Mapping[str, str]) -> dict[str, Value]:
        """The attributes of a configuration of texts; what Proxmox VE omits has its default."""
        values: dict[str, Value] = {field.attribute: field.read(config) for field in self.fields}
        named = {field.name for field in self.fields}
        for key in (*self.always, *config):
            if key not in named and stem(key) not in self.silent:
                values |= self._read_key(key, config.get(key, ""))
        return self.refine(values)

    def _read_key(self, key: str, text: str) -> dict[str, Value]:
        group = self.group(key)
        plain = group.spell(text) if group else None
        if group is None or plain is None:
            return {OPTION + key: text}
        return {f"{key}.{name}": value for name, value in group.read(plain).items()}

    def write(self, key: str, values: Mapping[str, Value]) -> str | None:
        """The text of one key, from attributes; None if there is nothing to say."""
        if OPTION + key in values:
            return str(values[OPTION + key])
        if group := self.group(key):
            prefix = f"{key}."
            own = {name.removeprefix(prefix): v for name, v in values.items() if name.startswith(prefix)}
            return group.write(own) or None
        field = next(field for field in self.fields if field.name == key)
        value = values.get(field.attribute)
        return None if value is None else field.form.write(value) or None

    def group(self, key: str) -> Group | None:
        """The grammar of a key's value, if it is a property string."""
        return self.groups.get(stem(key))

    def key(self, attribute: str) -> str:
        """The API key that an attribute is part of."""
        if attribute.startswith(OPTION):
            return attribute.removeprefix(OPTION)
        own = (field.name for field in self.fields if field.attribute == attribute)
        return next(own, attribute.partition(".")[0])
