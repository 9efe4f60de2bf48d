"""Authentication realms (pve-access-control, PVE/API2/Domains.pm)."""

from fakepve.routing import check_digest, die, param_error

from lab.areas.access_users import ROOT
from lab.areas.area import Area, Route, Values, delete_options, digest_of, without

DOMAINS_CFG = "file-domains_cfg"
BUILT_IN = {
    "pam": {"type": "pam", "comment": "Linux PAM standard authentication"},
    "pve": {"type": "pve", "comment": "Proxmox VE authentication server"},
}
REQUIRED = {
    "ad": ("domain", "server1"),
    "ldap": ("base_dn", "server1", "user_attr"),
    "openid": ("client-id", "issuer-url"),
}
# Never shown again, and kept out of domains.cfg.
SECRETS = ("password", "client-key")


class AccessDomains(Area):
    """Realms of `self.access`; part of the access area."""

    def domain_routes(self) -> list[Route]:
        """Routes of /access/domains."""
        domains, one = "/access/domains", "/access/domains/{realm}"
        return [
            ("GET", domains, self._domain_list),
            ("POST", domains, self._domain_create),
            ("GET", one, self._domain_read),
            ("PUT", one, self._domain_update),
            ("DELETE", one, self._domain_delete),
            ("POST", f"{one}/sync", self._domain_sync),
        ]

    def _domains_digest(self) -> str:
        return digest_of(self.access["domains"])

    async def _domain_list(self, _values: Values, _user: str) -> list[Values]:
        shown = ("type", "comment", "default", "tfa")
        return [
            {"realm": realm, **{key: record[key] for key in shown if key in record}}
            for realm, record in self.access["domains"].items()
        ]

    def _domain(self, realm: str, text: str) -> Values:
        record: Values | None = self.access["domains"].get(realm)
        if record is None:
            raise die(text)
        return record

    async def _domain_create(self, values: Values, _user: str) -> None:
        realm, kind = values["realm"], values["type"]
        with self.locked(DOMAINS_CFG, "add auth server failed: "):
            if realm in self.access["domains"]:
                raise die(f"domain '{realm}' already exists")
            if kind in BUILT_IN:
                raise die(f"unable to create builtin type '{kind}'")
            for option in REQUIRED[kind]:
                if values.get(option) is None:
                    raise die(f"missing value for required option '{option}'")
            self._keep_single_default(values)
            self.access["domains"][realm] = without(values, "realm", "check-connection", *SECRETS)

    def _keep_single_default(self, values: Values) -> None:
        if values.get("default"):
            for record in self.access["domains"].values():
                record.pop("default", None)

    async def _domain_read(self, values: Values, _user: str) -> Values:
        record = self._domain(values["realm"], f"domain '{values['realm']}' does not exist")
        return {**record, "digest": self._domains_digest()}

    async def _domain_update(self, values: Values, _user: str) -> None:
        with self.locked(DOMAINS_CFG, "update auth server failed: "):
            check_digest(self._domains_digest(), values.get("digest"))
            record = self._domain(values["realm"], f"domain '{values['realm']}' does not exist")
            options = without(values, "realm", "digest", "delete", "check-connection", *SECRETS)
            if not options and not values.get("delete"):
                raise die("no options specified")
            delete_options(record, values.get("delete"), REQUIRED.get(record["type"], ()))
            self._keep_single_default(options)
            record.update(options)

    async def _domain_delete(self, values: Values, _user: str) -> None:
        realm = values["realm"]
        with self.locked(DOMAINS_CFG, "delete auth server failed: "):
            self._domain(realm, f"authentication domain '{realm}' does not exist")
            del self.access["domains"][realm]

    async def _domain_sync(self, values: Values, user: str) -> str:
        record = self.access["domains"].get(values["realm"])
        if record is None:
            raise param_error(realm="Realm does not exist.")
        if record["type"] not in ("ad", "ldap"):
            raise die(f"Cannot sync realm type '{record['type']}'! Only LDAP/AD realms can be synced.")
        if not values.get("scope") and "scope=" not in record.get("sync-defaults-options", ""):
            raise param_error(scope="Not passed as parameter and not defined in realm default sync options.")

        async def nothing_to_sync() -> None:
            return

        node = min(self.nodes)
        upid: str = await self.task(node, "auth-realm-sync", values["realm"], user or ROOT, nothing_to_sync)
        return upid
