"""Accounts: who can log in, by which kind of password or key. No hash leaves this host."""

from __future__ import annotations

import os
import re
import time
from datetime import date, timedelta
from typing import Any

from provisioner.hosts.collector.files import rights
from provisioner.hosts.collector.look import Unseen, kept, lines, read, read_if_there, there
from provisioner.hosts.collector.publickey import keys_in
from provisioner.hosts.collector.shared import pairs

NO_LOGIN = {
    "/usr/sbin/nologin",
    "/sbin/nologin",
    "/usr/bin/false",
    "/bin/false",
    "/bin/sync",
    "/usr/bin/sync",
}

KINDS = (
    ("$y$", "yescrypt"),
    ("$gy$", "gost-yescrypt"),
    ("$7$", "scrypt"),
    ("$2", "bcrypt"),
    ("$6$", "sha512"),
    ("$5$", "sha256"),
    ("$3$", "nt"),
    ("$1$", "md5"),
    ("$md5", "sunmd5"),
    ("_", "bsdi"),
)
"""How hashes begin (crypt(5)); the oldest has no beginning of its own."""

NONE = "none"
NOBODY = 65534


def kind_of(password: str) -> str:
    """The kind of a password field; `x` stands for one of /etc/shadow, where it is missing then."""
    if not password:
        return NONE
    if password[0] in "!*x":
        return "locked"
    return next((kind for beginning, kind in KINDS if password.startswith(beginning)), "des")


def accounts() -> dict[str, Any]:
    """The accounts and groups of this host's own files."""
    users = _table("/etc/passwd", 7)
    groups = _table("/etc/group", 4)
    shadow = {fields[0]: fields for fields in _table("/etc/shadow", 9)}
    first = int(login_defs_in(read_if_there("/etc/login.defs")).get("UID_MIN", "1000"))
    named = {fields[0]: _user(fields, shadow.get(fields[0]), first) for fields in users}
    return {
        "users": dict(sorted(named.items())),
        "groups": {fields[0]: _group(fields) for fields in sorted(groups)},
        "uid_zero": sorted(fields[0] for fields in users if fields[2] == "0"),
        "empty_passwords": sorted(name for name, user in named.items() if user["password"] == NONE),
        "duplicate_uids": _twice(filter(None, (fields[2] for fields in users))),
        "duplicate_gids": _twice(filter(None, (fields[2] for fields in groups))),
        "duplicate_names": _twice(fields[0] for fields in users) + _twice(fields[0] for fields in groups),
        "missing_homes": sorted(
            name for name, user in named.items() if user["login"] and not user["home_mode"]
        ),
    }


def _table(path: str, width: int) -> list[list[str]]:
    """Lines of so many fields (passwd(5), group(5), shadow(5))."""
    found = (line.split(":") for line in lines(read(path)))
    return [fields for fields in found if len(fields) >= width]


def _twice(values: Any) -> list[str]:
    seen = list(values)
    return sorted({value for value in seen if seen.count(value) > 1})


def _number(field: str) -> int | None:
    """A number of a user or group; None in entries that refer to a directory (`+::::::`) or are wrong."""
    return int(field) if field.isdecimal() else None


def _group(fields: list[str]) -> dict[str, Any]:
    return {"gid": _number(fields[2]), "members": sorted(filter(None, fields[3].split(",")))}


def _user(fields: list[str], shadow: list[str] | None, first: int) -> dict[str, Any]:
    uid, home = _number(fields[2]), fields[5]
    password = shadow[1] if fields[1] == "x" and shadow else fields[1]
    place = rights(home) if home and os.path.isdir(home) else {}
    return {
        "uid": uid,
        "gid": _number(fields[3]),
        "home": home,
        "home_mode": place.get("mode"),
        "home_owner": place.get("owner"),
        "shell": fields[6],
        "login": fields[6] not in NO_LOGIN,
        "system": uid is not None and (uid < first or uid == NOBODY),
        "password": kind_of(password),
        **_ages(shadow[2:8] if shadow else [""] * 6),
    }


def _ages(fields: list[str]) -> dict[str, Any]:
    """The fields of shadow(5) that count days; None where nothing is said."""
    days = [int(field) if re.fullmatch(r"-?\d+", field) else None for field in fields]
    last, least, most, warn, inactive, expires = days
    today = int(time.time() // 86400)
    return {
        "age_days": today - last if last else None,
        "max_days": most,
        "min_days": least,
        "warn_days": warn,
        "inactive_days": inactive,
        "expires": None if expires is None else (date(1970, 1, 1) + timedelta(days=expires)).isoformat(),
    }


def login_defs() -> dict[str, str]:
    """What new accounts and passwords are made with."""
    return login_defs_in(kept("/etc/login.defs"))


def login_defs_in(text: str) -> dict[str, str]:
    """Keys and values of login.defs(5)."""
    return pairs(text, "")


def authorized_keys() -> dict[str, list[dict[str, Any]]]:
    """Whose keys open which account. What cannot be read of one account is told for all."""
    found = {}
    for fields in _table("/etc/passwd", 7):
        if fields[6] in NO_LOGIN or not fields[5].startswith("/"):
            continue
        keys = [key for path in _files_of(fields[5]) for key in keys_in(_own(path))]
        if keys:
            found[fields[0]] = keys
    return dict(sorted(found.items()))


def _files_of(home: str) -> list[str]:
    paths = (f"{home.rstrip('/')}/.ssh/{name}" for name in ("authorized_keys", "authorized_keys2"))
    return [path for path in paths if there(path)]


def _own(path: str) -> str:
    if not os.path.isfile(path):
        raise Unseen(f"{path} is no file")
    return read(path)
