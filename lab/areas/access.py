"""Access: users, groups, tokens, roles, grants and realms, and what they allow.

The stored grants decide every permission check of the simulated cluster; lists are filtered by them.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from fakepve.model import PveError
from fakepve.routing import die, ok, param_error
from fakepve.server import params

from lab.areas.access_acl import AccessAcl
from lab.areas.access_domains import BUILT_IN, AccessDomains
from lab.areas.access_permissions import normalise, privileges_of, roles_at
from lab.areas.access_roles import all_privileges
from lab.areas.access_users import ROOT, USER_CFG
from lab.areas.area import Route, Values

FAILED_LOGIN = "authentication failure"
INDEX = ("users", "groups", "roles", "acl", "domains", "openid", "tfa", "ticket", "password")
TOP_PATHS = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")
# What a login is told it may do, per part of the user interface: (path, privileges or prefixes of them).
CAPABILITIES = {
    "access": ("/access", ("User.Modify", "Group.Allocate", "Permissions.Modify")),
    "dc": ("/", ("Sys.Audit", "Sys.Modify", "SDN.")),
    "mapping": ("/mapping", ("Mapping.", "Permissions.Modify")),
    "nodes": ("/nodes", ("Sys.", "Permissions.Modify")),
    "sdn": ("/sdn", ("SDN.", "Permissions.Modify")),
    "storage": ("/storage", ("Datastore.", "Permissions.Modify")),
    "vms": ("/vms", ("VM.", "Permissions.Modify")),
}


class AccessArea(AccessAcl, AccessDomains):
    """Who may log in, and what each user and token may do."""

    persists: ClassVar[tuple[str, ...]] = ("access",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access: Values = {
            "users": {ROOT: {"enable": 1, "expire": 0, "groups": [], "tokens": {}}},
            "groups": {},
            "roles": {},
            "acl": {},
            "domains": {realm: dict(record) for realm, record in BUILT_IN.items()},
            "passwords": {},
        }
        # Not None: fakepve checks permissions; empty: the grants are ours, it has none to clean up.
        self.acl: dict[str, Any] = {}

    def _routes_access(self) -> list[Route]:
        own: list[Route] = [
            ("GET", "/access", self._index),
            ("GET", "/access/permissions", self._permissions),
            ("GET", "/access/tfa", self._second_factors),
        ]
        return [*own, *self.user_routes(), *self.token_routes(), *self.acl_routes(), *self.domain_routes()]

    async def _index(self, _values: Values, _user: str) -> list[dict[str, str]]:
        return [{"subdir": name} for name in INDEX]

    async def _second_factors(self, _values: Values, _user: str) -> list[Values]:
        """Nobody in the lab has a second factor."""
        return []

    # ------------------------------------------------------------ permissions

    def _pool_path(self, path: str) -> str | None:
        """The path of the pool that a guest or storage path belongs to."""
        kind, _, name = path.strip("/").partition("/")
        if kind == "vms" and name.isdigit():
            pool = self._pool_of_vm(int(name))
        elif kind == "storage" and name:
            pool = self._pool_of_storage(name)
        else:
            return None
        return f"/pool/{pool}" if pool else None

    def privileges(self, subject: str, path: str) -> dict[str, int]:
        """Privileges of a user or token on `path`: {privilege: 1 if it also holds below, else 0}."""
        userid, _, token = subject.partition("!")
        if token:
            mine = self.privileges(userid, path)
            if not self._is_separate(userid, token):
                return mine
            return {name: flag for name, flag in self._granted(subject, path).items() if name in mine}
        if subject == ROOT:
            return dict.fromkeys(all_privileges(self.pve_major), 1)
        return self._granted(subject, path)

    def _granted(self, subject: str, path: str) -> dict[str, int]:
        groups = self.access["users"].get(subject, {}).get("groups", ())
        tree, known = self.access["acl"], self.known_roles()
        roles = roles_at(tree, path, subject, groups)
        pool = self._pool_path(path)
        if pool and "NoAccess" not in roles:
            inherited = roles_at(tree, pool, subject, groups)
            roles = {**inherited, **roles}
        return privileges_of(roles, known)

    def allowed(self, user: str, path: str, privilege: str) -> bool:
        """True if the user or token holds the privilege on the path."""
        return self._is_root(user) or privilege in self.privileges(user, normalise(path) or path)

    def _is_root(self, subject: str) -> bool:
        """True for root, and for a token that has all its rights."""
        userid, _, token = subject.partition("!")
        return userid == ROOT and not (token and self._is_separate(userid, token))

    def _is_separate(self, userid: str, token: str) -> bool:
        kept = self.access["users"].get(userid, {}).get("tokens", {}).get(token, {})
        return bool(kept.get("privsep", 0))

    def check_permissions(
        self,
        user: str | None,
        perms: Mapping[str, Any] | None,
        values: Values,
        declared: Values | None = None,
    ) -> None:
        """Raise PveError 403 unless the user satisfies the schema's rule; a token is never root itself."""
        open_to = (perms or {}).get("user")
        if user == ROOT or open_to == "world" or (user and open_to == "all"):
            return
        good, why = False, "user != root@pam"
        if user and perms and "check" in perms:
            good, why = self._check(user, perms["check"], values, declared)
        if not good:
            raise PveError(403, f"Permission check failed ({why})" if why else "Permission check failed")

    def _check(
        self, user: str, rule: list[Any], values: Values, declared: Values | None = None
    ) -> tuple[bool, str]:
        if rule[0] == "userid-group":
            groups = self.access["users"].get(values.get("userid"), {}).get("groups", ())
            paths = ["/access/groups", *(f"/access/groups/{group}" for group in groups)]
            good = any(self.allowed(user, path, name) for path in paths for name in rule[1])
            return good, f"/access/groups, {'|'.join(rule[1])}"
        if rule[0] == "perm-modify":
            path = normalise(str(values.get("path", ""))) or ""
            return self.may_grant(user, path), f"{path}, Permissions.Modify"
        verdict: tuple[bool, str] = super()._check(user, rule, values, declared)
        return verdict

    async def _permissions(self, values: Values, user: str) -> dict[str, dict[str, int]]:
        subject = values.get("userid") or user
        if subject not in (user, user.split("!", maxsplit=1)[0]) and subject.split("!")[0] != user:
            self.require(user, "/access", "Sys.Audit")
        if values.get("path"):
            return {values["path"]: self.privileges(subject, normalise(values["path"]) or values["path"])}
        pools = [f"/pool/{pool}" for pool in self.pools]
        paths = sorted({*TOP_PATHS, *self.access["acl"], *pools})
        held = {path: self.privileges(subject, path) for path in paths}
        return {path: names for path, names in held.items() if names}

    # --------------------------------------------------------------- logging in

    def _admit(self, call: Any) -> None:
        """Refuse a token where Proxmox wants a login, then check the call as ever."""
        info = call.match.methods.get(call.method) if call.match else None
        if call.user and "!" in call.user and info and not info.get("allowtoken", 1):
            text = f"URI '{call.template}' not available with API token, need proper ticket.\n"
            raise PveError(403, f"Permission check failed ({text})")
        super()._admit(call)

    def _ticket_user(self, request: Any, ticket: str) -> Any:
        user = super()._ticket_user(request, ticket)
        if user != ROOT and not self.may_log_in(user):
            raise PveError(401, "Authentication failed!")
        return user

    async def _ticket(self, request: Any) -> Any:
        given = await params(request)
        user = str(given.get("username", ""))
        if given.get("realm") and "@" not in user:
            user = f"{user}@{given['realm']}"
        if "@" not in user or given.get("otp") or not self.check_password(user, given.get("password")):
            raise PveError(401, FAILED_LOGIN)
        ticket, csrf = self.issue_ticket(user)
        return ok(
            {
                "ticket": ticket,
                "CSRFPreventionToken": csrf,
                "username": user,
                "clustername": self.cluster_name,
                "cap": self._capabilities(user),
            }
        )

    def _capabilities(self, user: str) -> dict[str, dict[str, int]]:
        return {
            part: {name: 1 for name in self.privileges(user, path) if name.startswith(wanted)}
            for part, (path, wanted) in CAPABILITIES.items()
        }

    async def _password(self, request: Any) -> Any:
        return await self._stateful_handler("/access/password", self._change_password)(request)

    async def _change_password(self, values: Values, user: str) -> None:
        if user != ROOT:
            confirmation = values.get("confirmation-password")
            if confirmation is None:
                raise param_error(**{"confirmation-password": "password is required to modify user"})
            if not self.check_password(user, confirmation):
                raise PveError(401, FAILED_LOGIN)
        with self.locked(USER_CFG):
            if values["userid"].rpartition("@")[2] not in self.access["domains"]:
                raise die(f"auth domain '{values['userid'].rpartition('@')[2]}' does not exist")
            self.set_password(values["userid"], values["password"])

    # ---------------------------------------------------------- objects that go

    def guest_gone(self, vmid: int, *, purge: bool) -> None:
        """Remove the grants on a destroyed guest."""
        super().guest_gone(vmid, purge=purge)
        self.forget_path(f"/vms/{vmid}")

    async def _sc_delete(self, values: Values, user: str) -> None:
        await super()._sc_delete(values, user)
        self.forget_path(f"/storage/{values['storage']}")

    async def _pool_delete(self, values: Values, user: str) -> None:
        await super()._pool_delete(values, user)
        self.forget_path(f"/pool/{values['poolid']}")
