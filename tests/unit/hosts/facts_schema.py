"""The shape of each section of `bastide-facts/1`, as JSON Schema. Checks are written against these shapes."""


def a(*types):
    """One of these types."""
    return {"type": list(types)}


TEXT, NUMBER, WHOLE, TRUTH = a("string"), a("number"), a("integer"), a("boolean")
MAYBE_TEXT, MAYBE_NUMBER, MAYBE_WHOLE = a("string", "null"), a("number", "null"), a("integer", "null")
MODE = {"type": "string", "pattern": "^[0-7]{4}$"}
MAYBE_MODE = {"anyOf": [MODE, {"type": "null"}]}


def word(*words):
    return {"enum": list(words)}


def every(one):
    """A list."""
    return {"type": "array", "items": one}


def named(one):
    """A mapping with names of the host's own."""
    return {"type": "object", "additionalProperties": one}


def of(**keys):
    """A mapping with exactly these keys."""
    return {"type": "object", "properties": keys, "required": sorted(keys), "additionalProperties": False}


def maybe(one):
    """Or null: there is none of it on this host."""
    return {"anyOf": [one, {"type": "null"}]}


RIGHTS = of(mode=MODE, owner=TEXT, group=TEXT)
USER = of(
    uid=MAYBE_WHOLE,
    gid=MAYBE_WHOLE,
    home=TEXT,
    home_mode=MAYBE_MODE,
    home_owner=MAYBE_TEXT,
    shell=TEXT,
    login=TRUTH,
    system=TRUTH,
    password=TEXT,
    age_days=MAYBE_WHOLE,
    max_days=MAYBE_WHOLE,
    min_days=MAYBE_WHOLE,
    warn_days=MAYBE_WHOLE,
    inactive_days=MAYBE_WHOLE,
    expires=MAYBE_TEXT,
)
SOURCE = of(
    file=TEXT,
    types=every(TEXT),
    uris=every(TEXT),
    suites=every(TEXT),
    components=every(TEXT),
    signed_by=MAYBE_TEXT,
    trusted=TRUTH,
)
CLUSTER = of(
    version=TEXT,
    name=TEXT,
    port=WHOLE,
    settings=named(TEXT),
    hba=every(of(type=TEXT, database=TEXT, user=TEXT, address=MAYBE_TEXT, method=TEXT, options=every(TEXT))),
    roles=every(
        of(
            name=TEXT,
            superuser=TRUTH,
            login=TRUTH,
            createrole=TRUTH,
            createdb=TRUTH,
            replication=TRUTH,
            bypassrls=TRUTH,
            password=word("scram", "md5", "none"),
            valid_until=MAYBE_TEXT,
        )
    ),
    extensions=every(TEXT),
    data_mode=MODE,
    key_mode=MAYBE_MODE,
)
POLICY = word("drop", "accept", "none")
APT = of(
    config=named({"anyOf": [TEXT, every(TEXT)]}),
    sources=every(SOURCE),
    lists_age_days=MAYBE_NUMBER,
    keyrings=every(TEXT),
    upgradable=every(TEXT),
    security=every(TEXT),
)
APT["required"] = ["config", "keyrings", "lists_age_days", "sources"]  # the rest, once lists were fetched

SECTIONS = {
    "os": of(
        id=TEXT,
        version=TEXT,
        version_full=TEXT,
        pretty=TEXT,
        kernel=TEXT,
        architecture=TEXT,
        virtualization=TEXT,
        container=TRUTH,
        hostname=TEXT,
        uptime_seconds=NUMBER,
        clock={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        timezone=TEXT,
    ),
    "pve": maybe(of(version=TEXT, cluster=TRUTH, kernel=TEXT)),
    "sysctl": named(TEXT),
    "cmdline": of(args=every(TEXT)),
    "kernel_config": maybe(named(TEXT)),
    "cpu": of(flags=every(TEXT), vulnerabilities=named(TEXT)),
    "modules": of(loaded=every(TEXT), install=named(TEXT), blacklisted=every(TEXT)),
    "lsm": every(TEXT),
    "apparmor": maybe(of(enabled=TRUTH, profiles=named(TEXT), unconfined=every(TEXT))),
    "mounts": named(of(device=TEXT, type=TEXT, options=every(TEXT))),
    "storage": maybe(
        of(
            devices=every(
                of(name=TEXT, type=TEXT, fstype=MAYBE_TEXT, mountpoints=every(TEXT), encrypted=TRUTH)
            ),
            swap=every(of(device=TEXT, encrypted=TRUTH)),
            zfs=every(of(name=TEXT, encryption=TEXT)),
        )
    ),
    "files": named(of(mode=MODE, owner=TEXT, group=TEXT, type=TEXT)),
    "walk": of(
        setuid=every(of(path=TEXT, mode=MODE, owner=TEXT, package=MAYBE_TEXT)),
        world_writable_files=every(TEXT),
        world_writable_directories=every(TEXT),
        ownerless=every(TEXT),
        truncated=TRUTH,
    ),
    "accounts": of(
        users=named(USER),
        groups=named(of(gid=MAYBE_WHOLE, members=every(TEXT))),
        uid_zero=every(TEXT),
        empty_passwords=every(TEXT),
        duplicate_uids=every(TEXT),
        duplicate_gids=every(TEXT),
        duplicate_names=every(TEXT),
        missing_homes=every(TEXT),
    ),
    "authorized_keys": named(every(of(type=TEXT, bits=MAYBE_WHOLE, comment=TEXT, options=every(TEXT)))),
    "login_defs": named(TEXT),
    "pam": named(every(of(type=TEXT, control=TEXT, module=TEXT, args=every(TEXT)))),
    "pwquality": named({"anyOf": [TEXT, {"const": True}]}),
    "faillock": named({"anyOf": [TEXT, {"const": True}]}),
    "sudo": maybe(
        of(
            defaults=every(TEXT),
            rules=every(of(who=TEXT, runas=TEXT, tags=every(TEXT), commands=every(TEXT))),
        )
    ),
    "sshd": maybe(named({"anyOf": [TEXT, every(TEXT)]})),
    "sshd_keys": maybe(every(of(path=TEXT, type=TEXT, bits=MAYBE_WHOLE, mode=MODE, owner=TEXT))),
    "packages": named(TEXT),
    "apt": APT,
    "units": named(of(load=TEXT, active=TEXT, sub=TEXT, file_state=TEXT)),
    "exposure": named(named(TEXT)),
    "listeners": every(
        of(protocol=word("tcp", "udp"), address=TEXT, port=WHOLE, program=TEXT, user=TEXT, loopback=TRUTH)
    ),
    "interfaces": named(of(addresses=every(TEXT), up=TRUTH)),
    "nft": maybe(
        of(
            tables=every(TEXT),
            input_policy=POLICY,
            output_policy=POLICY,
            forward_policy=POLICY,
            rules=WHOLE,
        )
    ),
    "pve_firewall": maybe(of(status=TEXT, enabled=TRUTH)),
    "audit": maybe(of(enabled=WHOLE, failure=WHOLE, lost=WHOLE, rules=every(TEXT), config=named(TEXT))),
    "journald": named(TEXT),
    "logs": of(
        files=named(RIGHTS),
        oldest_days=NUMBER,
        forwards=every(of(target=TEXT, port=WHOLE, protocol=TEXT, tls=TRUTH)),
    ),
    "time": of(
        synchronized=TRUTH,
        service=MAYBE_TEXT,
        sources=every(of(name=TEXT, nts=TRUTH, reach=MAYBE_WHOLE, offset_seconds=MAYBE_NUMBER)),
        offset_seconds=MAYBE_NUMBER,
    ),
    "mail": of(agent=MAYBE_TEXT, listens=every(TEXT), root_alias=MAYBE_TEXT),
    "grub": maybe(of(password=TRUTH, unrestricted=TRUTH, mode=MODE)),
    "cron": of(files=named(RIGHTS), allow=maybe(every(TEXT)), deny=maybe(every(TEXT))),
    "integrity": of(
        aide=maybe(of(database_age_days=MAYBE_NUMBER, timer=TRUTH, excluded=every(TEXT))), debsums=TRUTH
    ),
    "reboot": of(required=TRUTH, packages=every(TEXT)),
    "postgres": maybe(of(clusters=every(CLUSTER))),
    "certificates": every(
        of(
            path=TEXT,
            subject=TEXT,
            issuer=TEXT,
            not_after=TEXT,
            days_left=NUMBER,
            key_type=TEXT,
            key_bits=MAYBE_WHOLE,
            signature=TEXT,
            key_mode=MAYBE_MODE,
        )
    ),
    "bastide": of(level=MAYBE_WHOLE, rollback=word("none", "armed", "happened")),
}
