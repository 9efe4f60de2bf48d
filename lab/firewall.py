"""Where fakepve's firewall speaks otherwise than Proxmox VE's does (API2/Firewall/Rules.pm)."""

from typing import Any

from fakepve import FakePve, PveError


class Firewall(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """Rules as Proxmox shows them, and its texts for broken ones."""

    async def _fw_rule_get(self, scope: Any, values: Any, user: str) -> dict[str, Any]:
        rule = await super()._fw_rule_get(scope, values, user)
        return {**rule, "pos": str(rule["pos"])}

    async def _fw_rule_create(self, scope: Any, values: Any, user: str) -> Any:
        try:
            return await super()._fw_rule_create(scope, values, user)
        except PveError as refusal:
            raise _as_proxmox_says(refusal) from refusal

    async def _fw_rule_update(self, scope: Any, values: Any, user: str) -> Any:
        try:
            return await super()._fw_rule_update(scope, values, user)
        except PveError as refusal:
            raise _as_proxmox_says(refusal) from refusal


def _as_proxmox_says(refusal: PveError) -> PveError:
    """Texts about a format end in a newline."""
    errors = refusal.errors and {
        name: f"{text.rstrip()}\n" if text.startswith("invalid format") else text
        for name, text in refusal.errors.items()
    }
    return PveError(refusal.status, refusal.message, errors)
