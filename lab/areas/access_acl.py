"""Roles and the access control list (pve-access-control, PVE/API2/Role.pm and ACL.pm)."""

from collections.abc import Iterator

from fakepve.routing import die, param_error, split_list

from lab.areas.access_permissions import is_known, normalise
from lab.areas.access_roles import built_in_roles
from lab.areas.access_tokens import AccessTokens
from lab.areas.access_users import USER_CFG
from lab.areas.area import Route, Values

SUBJECTS = {"users": "user", "groups": "group", "tokens": "token"}
NO_SUBJECT = "either 'users', 'groups' or 'tokens' is required."


class AccessAcl(AccessTokens):
    """Own roles and grants of `self.access`; part of the access area."""

    def acl_routes(self) -> list[Route]:
        """Routes of /access/roles and /access/acl."""
        roles, role = "/access/roles", "/access/roles/{roleid}"
        return [
            ("GET", roles, self._role_list),
            ("POST", roles, self._role_create),
            ("GET", role, self._role_read),
            ("PUT", role, self._role_update),
            ("DELETE", role, self._role_delete),
            ("GET", "/access/acl", self._acl_list),
            ("PUT", "/access/acl", self._acl_update),
        ]

    def known_roles(self) -> dict[str, tuple[str, ...]]:
        """Every role with its privileges, built-in ones included."""
        own = {role: tuple(privileges) for role, privileges in self.access["roles"].items()}
        return {**built_in_roles(self.pve_major), **own}

    async def _role_list(self, _values: Values, _user: str) -> list[Values]:
        return [
            {"roleid": role, "privs": ",".join(privileges), "special": int(role not in self.access["roles"])}
            for role, privileges in self.known_roles().items()
        ]

    async def _role_create(self, values: Values, _user: str) -> None:
        role = values["roleid"]
        if role.lower().startswith("pve"):
            text = "cannot use role ID starting with the (case-insensitive) 'PVE' namespace"
            raise param_error(roleid=text)
        privileges = self._checked_privileges(values.get("privs"))
        with self.locked(USER_CFG, "create role failed: "):
            if role in self.known_roles():
                raise die(f"role '{role}' already exists")
            self.access["roles"][role] = privileges

    def _checked_privileges(self, text: object) -> list[str]:
        """The privileges, sorted; the schema lets those of 9 through, so 8 refuses what it does not know."""
        wanted = split_list(text)
        known = built_in_roles(self.pve_major)["Administrator"]
        for privilege in wanted:
            if privilege not in known:
                raise param_error(privs=f"invalid format - invalid privilege '{privilege}'\n")
        return sorted(set(wanted))

    async def _role_read(self, values: Values, _user: str) -> Values:
        privileges = self.known_roles().get(values["roleid"])
        if privileges is None:
            raise die(f"role '{values['roleid']}' does not exist")
        return dict.fromkeys(privileges, 1)

    def _own_role(self, role: str, verb: str) -> list[str]:
        if role in built_in_roles(self.pve_major):
            raise die(f"auto-generated role '{role}' cannot be {verb}")
        if role not in self.access["roles"]:
            raise die(f"role '{role}' does not exist")
        privileges: list[str] = self.access["roles"][role]
        return privileges

    async def _role_update(self, values: Values, _user: str) -> None:
        new = self._checked_privileges(values.get("privs"))
        with self.locked(USER_CFG, "update role failed: "):
            old = self._own_role(values["roleid"], "modified")
            self.access["roles"][values["roleid"]] = sorted({*old, *new}) if values.get("append") else new

    async def _role_delete(self, values: Values, _user: str) -> None:
        with self.locked(USER_CFG, "delete role failed: "):
            self._own_role(values["roleid"], "deleted")
            del self.access["roles"][values["roleid"]]
            for _path, _kind, _name, grants in self._grants():
                grants.pop(values["roleid"], None)

    def _grants(self) -> Iterator[tuple[str, str, str, dict[str, int]]]:
        for path, kinds in self.access["acl"].items():
            for kind, names in kinds.items():
                for name, grants in names.items():
                    yield path, kind, name, grants

    async def _acl_list(self, _values: Values, user: str) -> list[Values]:
        audits = any(self.allowed(user, "/access", name) for name in ("Sys.Audit", "Permissions.Modify"))
        return [
            {"path": path, "type": kind, "ugid": name, "roleid": role, "propagate": propagate}
            for path, kind, name, grants in self._grants()
            for role, propagate in grants.items()
            if audits or self.may_grant(user, path)
        ]

    def may_grant(self, user: str, path: str) -> bool:
        """True if the user may change the grants on `path`."""
        own = {"storage": "Datastore.Allocate", "vms": "VM.Allocate", "pool": "Pool.Allocate"}
        allocate = own.get(path.strip("/").split("/")[0])
        names = ["Permissions.Modify", *([allocate] if allocate else [])]
        return any(self.allowed(user, path, name) for name in names)

    async def _acl_update(self, values: Values, user: str) -> None:
        if not any(values.get(key) for key in SUBJECTS):
            raise param_error(**dict.fromkeys(SUBJECTS, NO_SUBJECT))
        path = normalise(values["path"])
        if path is None or not (values.get("delete") or is_known(path)):
            raise param_error(path=f"invalid ACL path '{values['path']}'")
        propagate = 1 if values.get("propagate") is None else values["propagate"]
        with self.locked(USER_CFG, "ACL update failed: "):
            wanted = list(self._wanted_grants(values, path, user))
            for kind, name, role in wanted:
                if values.get("delete"):
                    self._revoke(path, kind, name, role)
                else:
                    level = self.access["acl"].setdefault(path, {}).setdefault(kind, {})
                    level.setdefault(name, {})[role] = propagate

    def _wanted_grants(self, values: Values, path: str, user: str) -> Iterator[tuple[str, str, str]]:
        for role in split_list(values["roles"]):
            self._check_role(role, path, user, verb="remove" if values.get("delete") else "add")
            for key, kind in SUBJECTS.items():
                for name in split_list(values.get(key)):
                    self._check_subject(kind, name)
                    yield kind, name, role

    def _check_role(self, role: str, path: str, user: str, *, verb: str) -> None:
        privileges = self.known_roles().get(role)
        if privileges is None:
            raise die(f"role '{role}' does not exist")
        if self.allowed(user, path, "Permissions.Modify"):
            return
        if not privileges or not all(self.allowed(user, path, each) for each in privileges):
            text = f"Cannot {verb} role '{role}' - requires 'Permissions.Modify' or superset of privileges."
            raise param_error(role=text)

    def _check_subject(self, kind: str, name: str) -> None:
        if kind == "group" and name not in self.access["groups"]:
            raise die(f"group '{name}' does not exist")
        if kind == "user" and name not in self.access["users"]:
            raise die(f"user '{name}' does not exist")
        if kind == "token":
            userid, _, token = name.partition("!")
            if token not in self.known_user(userid)["tokens"]:
                raise die(f"no such token '{token}' for user '{userid}'")

    def _revoke(self, path: str, kind: str, name: str, role: str) -> None:
        self.access["acl"].get(path, {}).get(kind, {}).get(name, {}).pop(role, None)

    def forget_path(self, path: str) -> None:
        """Remove the grants on the path of an object that is gone."""
        self.access["acl"].pop(path, None)
