"""Who may do what on a cluster, and how they prove who they are (PVE/API2/AccessControl.pm, User.pm)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from provisioner.pve.sections.told import Told
from provisioner.pve.sections.values import days_until, flag, moment, words

USERS, ROLES, ACL, REALMS = "/access/users?full=1", "/access/roles", "/access/acl", "/access/domains"
POWERS = frozenset({"Permissions.Modify", "Realm.Allocate", "Sys.Modify", "User.Modify"})
"""Whoever holds one of these on the cluster itself can give himself the rest."""
ROOT = "root@pam"
OWN_REALMS = frozenset({"pam", "pve"})
"""Realms that keep their accounts on the cluster, and have no connection to secure."""
ENCRYPTED = frozenset({"ldaps", "ldap+starttls"})


def factor_path(userid: str) -> str:
    """Where the API tells which second factors a user has."""
    return f"/access/users/{quote(userid, safe='@')}/tfa?multiple=1"


def realm_path(realm: str) -> str:
    """Where the API tells the settings of a realm."""
    return f"/access/domains/{realm}"


def roles(told: Told) -> list[dict[str, Any]]:
    """The roles; `custom` are those that somebody made here."""
    return [
        {
            "id": row["roleid"],
            "custom": not flag(row.get("special")),
            "privileges": words(row.get("privs")),
        }
        for row in sorted(told.rows(ROLES), key=lambda row: str(row["roleid"]))
    ]


def acl(told: Told) -> list[dict[str, Any]]:
    """The entries of the access control list."""
    rows = [
        {
            "id": f"{row['ugid']}: {row['roleid']} on {row['path']}",
            "path": row["path"],
            "role": row["roleid"],
            "type": row["type"],
            "who": row["ugid"],
            "propagate": flag(row.get("propagate"), default=True),
        }
        for row in told.rows(ACL)
    ]
    return sorted(rows, key=lambda row: row["id"])


def users(told: Told) -> list[dict[str, Any]]:
    """The accounts; `admin` are those that can change who may do what."""
    held = _Held(told)
    rows = []
    for row in _by_name(told):
        userid = row["userid"]
        left = days_until(row.get("expire"), told.now)
        rows.append(
            {
                "userid": userid,
                "realm": userid.rpartition("@")[2],
                "enabled": flag(row.get("enable"), default=True),
                "expires": moment(row.get("expire")),
                "expired": left is not None and left < 0,
                "locked": flag(row.get("totp-locked")),
                "groups": words(row.get("groups")),
                "email": bool(row.get("email")),
                "named": bool(row.get("comment") or row.get("lastname") or row.get("email")),
                "admin": userid == ROOT or held.powerful(userid, words(row.get("groups"))),
            }
        )
    return rows


def second_factors(told: Told) -> list[dict[str, Any]]:
    """The second factors of each account that can log in, and what its realm asks of it."""
    asked = {row["realm"]: str(row.get("tfa") or "") for row in told.rows(REALMS)}
    rows = []
    for user in users(told):
        if not user["enabled"] or user["expired"]:
            continue
        found = told.several((factor_path(user["userid"]),))
        if found is None:
            continue
        types = words((found[0] or {}).get("types"))
        rows.append(
            {
                "userid": user["userid"],
                "admin": user["admin"],
                "types": types,
                "recovery": "recovery" in types or "recovedry" in types,
                "realm_asks": asked.get(user["realm"], ""),
                "protected": bool(types or asked.get(user["realm"])),
            }
        )
    return rows


def tokens(told: Told) -> list[dict[str, Any]]:
    """The API tokens. Proxmox VE does not tell when one was made; it tells when it ends."""
    held = _Held(told)
    rows = []
    for user in _by_name(told):
        for token in user.get("tokens") or []:
            name = f"{user['userid']}!{token['tokenid']}"
            separate = flag(token.get("privsep"), default=True)
            who = name if separate else user["userid"]
            groups = [] if separate else words(user.get("groups"))
            left = days_until(token.get("expire"), told.now)
            rows.append(
                {
                    "tokenid": name,
                    "privsep": separate,
                    "expires": moment(token.get("expire")),
                    "days_left": left,
                    "expired": left is not None and left < 0,
                    "of_root": user["userid"] == ROOT,
                    "owner_enabled": flag(user.get("enable"), default=True),
                    "explained": bool(token.get("comment")),
                    "privileges": sorted(held.privileges(who, groups)),
                    "admin": (who == ROOT) or held.powerful(who, groups),
                }
            )
    return sorted(rows, key=lambda row: row["tokenid"])


def realms(told: Told) -> list[dict[str, Any]]:
    """The realms: how they connect to their directory, and whether that is verified."""
    rows = []
    for row in sorted(told.rows(REALMS), key=lambda row: str(row["realm"])):
        found = ({},) if row["type"] in OWN_REALMS else told.several((realm_path(row["realm"]),))
        if found is not None:
            rows.append(_realm(row, found[0] or {}))
    return rows


def _realm(row: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    kind = row["type"]
    directory = kind in {"ldap", "ad"}
    encrypted = settings.get("mode") in ENCRYPTED or flag(settings.get("secure"))
    openid = str(settings.get("issuer-url", "")).startswith("https://")
    return {
        "realm": row["realm"],
        "type": kind,
        "tfa": str(row.get("tfa") or ""),
        "default": flag(row.get("default")),
        "remote": kind not in OWN_REALMS,
        "encrypted": kind in OWN_REALMS or (encrypted if directory else openid),
        "verified": not directory or flag(settings.get("verify")),
        "autocreate": flag(settings.get("autocreate")),
        "servers": sum(bool(settings.get(key)) for key in ("server1", "server2")) if directory else 0,
    }


def _by_name(told: Told) -> list[dict[str, Any]]:
    return sorted(told.rows(USERS), key=lambda row: str(row["userid"]))


class _Held:
    """What users, groups and tokens hold by the access control list."""

    def __init__(self, told: Told) -> None:
        self._roles = {role["id"]: frozenset(role["privileges"]) for role in roles(told)}
        self._entries = acl(told)

    def privileges(self, who: str, groups: Iterable[str]) -> frozenset[str]:
        """All that somebody holds anywhere."""
        return self._of(self._entries, who, groups)

    def powerful(self, who: str, groups: Iterable[str]) -> bool:
        """Whether somebody holds one of the POWERS on the cluster, its nodes or its access control."""
        near = [one for one in self._entries if one["path"].split("/")[1] in {"", "access", "nodes"}]
        return bool(self._of(near, who, groups) & POWERS)

    def _of(self, entries: list[dict[str, Any]], who: str, groups: Iterable[str]) -> frozenset[str]:
        names = {who} | set(groups)
        held = (self._roles.get(one["role"], frozenset()) for one in entries if one["who"] in names)
        return frozenset().union(*held)
