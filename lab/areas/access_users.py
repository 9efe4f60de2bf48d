"""Users and groups (pve-access-control, PVE/API2/User.pm and Group.pm)."""

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any

from fakepve.model import PveError
from fakepve.routing import die, split_list

from lab.areas.area import Area, Route, Values, without

USER_CFG = "file-user_cfg"
ROOT = "root@pam"
# Texts of a user that are left out of the answers while they are empty.
USER_TEXTS = ("comment", "email", "firstname", "lastname", "keys")


def _password_hash(password: str, salt: bytes) -> str:
    key = hashlib.scrypt(password.encode(), salt=salt, n=2**10, r=8, p=1)
    return base64.b64encode(salt + key).decode()


class AccessUsers(Area):
    """Users and groups of `self.access`; part of the access area."""

    def user_routes(self) -> list[Route]:
        """Routes of /access/users and /access/groups."""
        users, user, groups, group = (
            *("/access/users", "/access/users/{userid}"),
            *("/access/groups", "/access/groups/{groupid}"),
        )
        return [
            ("GET", users, self._user_list),
            ("POST", users, self._user_create),
            ("GET", user, self._user_read),
            ("PUT", user, self._user_update),
            ("DELETE", user, self._user_delete),
            ("GET", groups, self._group_list),
            ("POST", groups, self._group_create),
            ("GET", group, self._group_read),
            ("PUT", group, self._group_update),
            ("DELETE", group, self._group_delete),
        ]

    def known_user(self, userid: str) -> Values:
        """The record of a user; raises PveError if there is none."""
        user: Values | None = self.access["users"].get(userid)
        if user is None:
            raise die(f"no such user ('{userid}')")
        return user

    def _realm_type(self, userid: str) -> str | None:
        realm = self.access["domains"].get(userid.rpartition("@")[2])
        return realm["type"] if realm else None

    def _user_row(self, userid: str, *, full: bool) -> Values:
        user = self.access["users"][userid]
        row = {"userid": userid, **without(user, "groups", "tokens")}
        if self._realm_type(userid):
            row["realm-type"] = self._realm_type(userid)
        if full:
            row["groups"] = ",".join(user["groups"])
            row["tokens"] = [
                {"tokenid": name, **without(token, "secret")}
                for name, token in sorted(user["tokens"].items())
            ]
        return row

    async def _user_list(self, values: Values, user: str) -> list[Values]:
        audits = any(self.allowed(user, "/access/groups", name) for name in ("User.Modify", "Sys.Audit"))
        return [
            self._user_row(userid, full=bool(values.get("full")))
            for userid, record in sorted(self.access["users"].items())
            if (audits or userid == user.split("!", maxsplit=1)[0])
            and values.get("enabled") in (None, 1 if record["enable"] else 0)
        ]

    async def _user_create(self, values: Values, _user: str) -> None:
        userid = values["userid"]
        with self.locked(USER_CFG, "create user failed: "):
            if userid in self.access["users"]:
                raise die(f"user '{userid}' already exists")
            record = {"enable": 1, "expire": 0, "groups": [], "tokens": {}}
            self._set_user(record, without(values, "userid", "password"))
            if values.get("password") is not None:
                if self._realm_type(userid) is None:
                    raise die(f"auth domain '{userid.rpartition('@')[2]}' does not exist")
                self.set_password(userid, values["password"])
            self.access["users"][userid] = record

    def _set_user(self, record: Values, values: Values) -> None:
        for group in split_list(values.get("groups")):
            if group not in self.access["groups"]:
                raise die(f"no such group '{group}'")
        if values.get("groups") is not None:
            kept = record["groups"] if values.get("append") else []
            record["groups"] = sorted({*kept, *split_list(values["groups"])})
        record.update(without(values, "groups", "append"))
        for text in USER_TEXTS:
            if record.get(text) == "":
                del record[text]

    async def _user_read(self, values: Values, _user: str) -> Values:
        user = self.known_user(values["userid"])
        tokens = {name: without(token, "secret") for name, token in user["tokens"].items()}
        return {**user, "tokens": tokens or None}

    async def _user_update(self, values: Values, _user: str) -> None:
        with self.locked(USER_CFG, "update user failed: "):
            self._set_user(self.known_user(values["userid"]), without(values, "userid"))

    async def _user_delete(self, values: Values, _user: str) -> None:
        userid = values["userid"]
        with self.locked(USER_CFG, "delete user failed: "):
            if userid == ROOT:
                raise PveError(403, "Permission check failed")
            for name in self.access["users"].get(userid, {}).get("tokens", {}):
                self.forget_subject("token", f"{userid}!{name}")
            self.access["users"].pop(userid, None)
            self.access["passwords"].pop(userid, None)
            self.forget_subject("user", userid)

    def _group_members(self, group: str) -> list[str]:
        return sorted(userid for userid, user in self.access["users"].items() if group in user["groups"])

    def _group(self, group: str) -> Values:
        record: Values | None = self.access["groups"].get(group)
        if record is None:
            raise die(f"group '{group}' does not exist")
        return record

    async def _group_list(self, _values: Values, user: str) -> list[Values]:
        privileges = ("User.Modify", "Sys.Audit", "Group.Allocate")
        return [
            {"groupid": group, "users": ",".join(self._group_members(group)), **record}
            for group, record in sorted(self.access["groups"].items())
            if any(self.allowed(user, f"/access/groups/{group}", name) for name in privileges)
        ]

    async def _group_create(self, values: Values, _user: str) -> None:
        with self.locked(USER_CFG, "create group failed: "):
            if values["groupid"] in self.access["groups"]:
                raise die(f"group '{values['groupid']}' already exists")
            comment = values.get("comment")
            self.access["groups"][values["groupid"]] = {"comment": comment} if comment else {}

    async def _group_read(self, values: Values, _user: str) -> Values:
        return {**self._group(values["groupid"]), "members": self._group_members(values["groupid"])}

    async def _group_update(self, values: Values, _user: str) -> None:
        with self.locked(USER_CFG, "update group failed: "):
            record = self._group(values["groupid"])
            record.update(without(values, "groupid"))
            if not record.get("comment"):
                record.pop("comment", None)

    async def _group_delete(self, values: Values, _user: str) -> None:
        group = values["groupid"]
        with self.locked(USER_CFG, "delete group failed: "):
            self._group(group)
            del self.access["groups"][group]
            for member in self.access["users"].values():
                member["groups"] = [name for name in member["groups"] if name != group]
            self.forget_subject("group", group)

    def forget_subject(self, kind: str, name: str) -> None:
        """Remove every grant of a user, group or token that is gone."""
        for level in self.access["acl"].values():
            level.get(kind, {}).pop(name, None)

    def may_log_in(self, userid: str) -> bool:
        """True if the user exists, is enabled and has not expired."""
        user = self.access["users"].get(userid)
        return bool(user and user["enable"] and (not user["expire"] or user["expire"] > time.time()))

    def set_password(self, userid: str, password: Any) -> None:
        """Keep a password as a salted hash; root's stays in memory, as the lab's owner set it."""
        if userid == self.user:
            self.password = str(password)
            return
        self.access["passwords"][userid] = _password_hash(str(password), secrets.token_bytes(16))

    def check_password(self, user: str, password: str | None) -> bool:
        """True if the password, or a ticket that is still good, opens this user's account."""
        ticket = self.tickets.get(password)
        if ticket and ticket["user"] == user and ticket["expires"] > time.time():
            return True
        if user == self.user:
            return password == self.password
        kept = self.access["passwords"].get(user)
        if not kept or not self.may_log_in(user):
            return False
        return hmac.compare_digest(kept, _password_hash(str(password), base64.b64decode(kept)[:16]))
