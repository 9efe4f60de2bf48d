"""Known secrets, and texts without them. Proxmox VE quotes what it refuses, passwords too."""

from __future__ import annotations

import threading
from typing import Any

HIDDEN = "***"
SHORTEST = 4
"""Shorter values are no secrets, and hiding every `a` would make texts unreadable."""


class Redaction:
    """The secrets that a session has used. Safe to use from several threads."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def learn(self, secret: str) -> str:
        """Remember a secret and return it."""
        if len(secret) >= SHORTEST:
            with self._lock:
                self._secrets |= {secret}
        return secret

    def text(self, text: str) -> str:
        """The text with `***` for every known secret, the longest first."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text

    def value(self, value: Any) -> Any:
        """An answer of the API with `***` for every known secret, at any depth."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.value(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.value(part) for part in value]
        return value
