"""Datacenter options (pve-manager, PVE/API2/Cluster.pm; pve-cluster, PVE/DataCenterConfig.pm)."""

from typing import Any, ClassVar

from fakepve import schema
from fakepve.routing import die, param_error, split_list

from lab.areas.area import Area, Route, Values, without

LOCK = "file-datacenter_cfg"
TEMPLATE = "/cluster/options"
# What everyone who logs in may read.
PUBLIC = ("console", "tag-style", "allowed-tags", "consent-text")
DEFAULTS = {"mac_prefix": "BC:24:11", "description": ""}


class OptionsArea(Area):
    """Options of the whole cluster: `self.datacenter` is `{option: value}`, objects where they have parts."""

    persists: ClassVar[tuple[str, ...]] = ("datacenter",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.datacenter: Values = {}

    def _routes_options(self) -> list[Route]:
        return [("GET", TEMPLATE, self._options_read), ("PUT", TEMPLATE, self._options_update)]

    async def _options_read(self, _values: Values, user: str) -> Values:
        shown = {**DEFAULTS, **self.datacenter, "allowed-tags": self._allowed_tags()}
        if self.allowed(user, "/", "Sys.Audit"):
            return shown
        return {key: value for key, value in shown.items() if key in PUBLIC}

    def _allowed_tags(self) -> list[str]:
        """Tags that users may set: registered ones, listed ones, and (unless forbidden) those in use."""
        access = self.datacenter.get("user-tag-access", {})
        tags = {*self.datacenter.get("registered-tags", ()), *access.get("user-allow-list", ())}
        if access.get("user-allow", "free") in ("free", "existing"):
            for guest in [*self.vms, *self.cts]:
                tags.update(split_list(guest.config.get("tags")))
        return sorted(tags)

    async def _options_update(self, values: Values, _user: str) -> None:
        removed = split_list(values.get("delete"))
        known = schema.load().paths[TEMPLATE]["PUT"]["parameters"]["properties"]
        for name in removed:
            if name not in known:
                raise param_error(delete=f"unknown option '{name}'")
        with self.locked(LOCK, ""):
            kept = without(self.datacenter, *removed)
            given = {name: decoded(value, known[name].get("format")) for name, value in values.items()}
            if "registered-tags" in given:
                given["registered-tags"] = sorted(set(split_list(given["registered-tags"])))
            self.datacenter = {**kept, **without(given, "delete")}

    async def _nextid(self, values: Values, user: str) -> str:
        """GET /cluster/nextid: the first free id in the range that the options set."""
        span = self.datacenter.get("next-id", {})
        lower, upper = int(span.get("lower", 100)), int(span.get("upper", 1000000))
        if values.get("vmid") not in (None, ""):
            return str(await super()._nextid(values, user))
        for vmid in range(lower, upper):
            if self.guest(vmid) is None:
                return str(vmid)
        raise die(f"unable to get any free VMID in range [{lower}, {upper}]")


def decoded(value: Any, parts: object) -> Any:
    """A property string as the object that the API shows; other values as they are."""
    if not isinstance(parts, dict):
        return value
    default = next((name for name, part in parts.items() if part.get("default_key")), "")
    items = (item.partition("=") for item in str(value).split(",") if item)
    pairs = {name if equals else default: text if equals else name for name, equals, text in items}
    lists = {name: split_list(pairs[name]) for name in ("user-allow-list",) if name in pairs}
    return {**pairs, **lists}
