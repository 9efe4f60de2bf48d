"""PostgreSQL, asked by its own administrator over its local socket, in transactions that cannot write."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from glob import glob
from typing import Any

from provisioner.hosts.collector.files import rights
from provisioner.hosts.collector.look import Unseen, attempt, keep, read_if_there, run
from provisioner.hosts.collector.shared import pairs

PRIVATE = ("primary_conninfo", "ssl_passphrase_command", "archive_command", "restore_command")
"""Settings that may hold passwords: of these only whether something is said."""

BEFORE = "SET default_transaction_read_only = on; SET statement_timeout = '5s';"

QUESTION = """
SELECT json_build_object(
  'settings', (SELECT json_object_agg(name, setting) FROM pg_settings),
  'hba', (SELECT json_agg(rule ORDER BY rule.line_number) FROM pg_hba_file_rules rule),
  'roles', (SELECT json_agg(json_build_object(
    'name', rolname, 'superuser', rolsuper, 'login', rolcanlogin, 'createrole', rolcreaterole,
    'createdb', rolcreatedb, 'replication', rolreplication, 'bypassrls', rolbypassrls,
    'valid_until', rolvaliduntil,
    'password', CASE WHEN rolpassword IS NULL THEN 'none'
      WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram' ELSE 'md5' END) ORDER BY rolname)
    FROM pg_authid WHERE rolname !~ '^pg_'),
  'databases', (SELECT json_agg(datname ORDER BY datname) FROM pg_database WHERE datallowconn),
  'extensions', (SELECT json_agg(extname ORDER BY extname) FROM pg_extension));
"""
EXTENSIONS = "SELECT json_agg(extname) FROM pg_extension;"
MANY = 20
"""Databases that are asked for their extensions."""


def postgres() -> dict[str, Any] | None:
    """The clusters as Debian files them, in /etc/postgresql; null where none runs or is to run."""
    folders = sorted(os.path.dirname(path) for path in glob("/etc/postgresql/*/*/postgresql.conf"))
    clusters = [found for found in map(_cluster, folders) if found]
    return {"clusters": clusters} if clusters else None


def _cluster(folder: str) -> dict[str, Any] | None:
    version, name = folder.split("/")[-2:]
    told = pairs(read_if_there(f"{folder}/postgresql.conf"))
    port = re.match(r"'?(\d+)", told.get("port", "5432"))
    number = int(port[1]) if port else 5432
    if os.path.exists(f"/run/postgresql/.s.PGSQL.{number}"):
        return {"version": version, "name": name, "port": number, **_answers(number)}
    if attempt("systemctl", "is-enabled", "postgresql.service").out.strip() in {"disabled", "masked"}:
        return None  # installed, and switched off for good: it serves nobody
    raise Unseen(f"the cluster {version}/{name} of PostgreSQL does not run, so that it cannot be asked")


def _answers(port: int) -> dict[str, Any]:
    answer = json.loads(_ask(port, BEFORE + QUESTION))
    settings = {key: _public(key, value) for key, value in answer["settings"].items()}
    found = {
        "settings": settings,
        "hba": [rule_of(one) for one in answer["hba"] or []],
        "roles": answer["roles"],
        "extensions": sorted({*answer["extensions"], *_extensions(port, answer["databases"])}),
        "data_mode": rights(settings["data_directory"])["mode"],
        "key_mode": _key_mode(settings),
    }
    keep(f"psql --port={port}", json.dumps(found, indent=1))
    return found


def _ask(port: int, question: str, database: str = "postgres") -> str:
    psql = (
        "psql",
        "-XAtq",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        "/run/postgresql",
        "-p",
        str(port),
        "-d",
        database,
    )
    told = run("runuser", "-u", "postgres", "--", *psql, given=question, evidence=False)
    return told.strip()


def _extensions(port: int, databases: list[str]) -> set[str]:
    others = [name for name in databases if name not in {"postgres", "template1"}][:MANY]
    return {one for name in others for one in json.loads(_ask(port, BEFORE + EXTENSIONS, name))}


def _public(name: str, value: str) -> str:
    return "is set" if value and name in PRIVATE else value


def _key_mode(settings: dict[str, str]) -> str | None:
    path = os.path.join(settings["data_directory"], settings.get("ssl_key_file", ""))
    return rights(path)["mode"] if os.path.isfile(path) else None


def rule_of(told: dict[str, Any]) -> dict[str, Any]:
    """A line of pg_hba_file_rules. Raises Unseen for one that PostgreSQL itself could not read.

    A line for TLS is read even where TLS is off, and is then no mistake of its own.
    """
    if told.get("error") and not told["error"].startswith("hostssl record cannot match"):
        raise Unseen(f"line {told.get('line_number')} of pg_hba.conf is wrong: {told['error']}")
    options = [one for one in told.get("options") or [] if "passw" not in one.lower()]
    return {
        "type": told["type"],
        "database": ",".join(told["database"] or []),
        "user": ",".join(told["user_name"] or []),
        "address": _network(told.get("address"), told.get("netmask")),
        "method": told["auth_method"],
        "options": options,
    }


def _network(address: str | None, mask: str | None) -> str | None:
    """`10.0.0.0/24`, a name, `samenet`; None for local sockets. An IPv6 mask is written as an address."""
    if not address or not mask:
        return address
    bits = bin(int(ipaddress.ip_address(mask))).count("1")
    return f"{address}/{bits}"
