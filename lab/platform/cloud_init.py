"""The cloud-init documents that make guests of the lab into the patient platform.

Each is a `#cloud-config` of files and one command, for a guest's vendor data (`cicustom: vendor=…`): Proxmox
VE writes user, keys and addresses into the user data, and cloud-init joins the two. The files stand under
`roles/<role>/` by the paths that they have in the guest, with `@{NAME}` where clinics differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, ClassVar

import yaml

HERE = Path(__file__).parent
SETUP = "/usr/local/sbin/platform-setup"
ENABLE = ["systemctl", "enable", "--now", "platform-setup.service"]
PROGRAM = "/opt/dpi/dpi"
SHIPPED = {".py", ".sql", ".html", ".css", ".svg"}
SECRET_FILES = ("/etc/dpi/password", "/etc/dpi/pgpass", "/etc/dpi/proxy.key", "/etc/samba/soignant.password")


@dataclass(frozen=True, slots=True)
class Role:
    """What a guest is for: the last octet of its address, its Debian packages, and the services of these."""

    name: str
    number: int
    packages: tuple[str, ...]
    units: tuple[str, ...]
    program: bool = False


ROLES = (
    Role("dpi-db", 21, ("postgresql", "python3-psycopg"), ("postgresql.service",), program=True),
    Role("dpi-app", 22, ("gunicorn", "python3-flask", "python3-psycopg"), (), program=True),
    Role("files", 31, ("samba",), ("smbd.service", "nmbd.service")),
    Role("proxy", 61, ("nginx",), ("nginx.service",)),
    Role("dns", 62, ("unbound",), ("unbound.service",)),
)
FOLDERS = {"dpi-db": "db", "dpi-app": "app"}

PACKAGES = tuple(sorted({package for role in ROLES for package in role.packages}))
"""What an image holds if guests are to become the platform without a mirror…"""
UNITS = tuple(sorted({unit for role in ROLES for unit in role.units}))
"""…and the services of these packages that such an image must leave off, until a guest's role wants them."""


@dataclass(frozen=True, slots=True)
class Clinic:
    """A site of the lab as the platform sees it; `network` is three octets of its servers' network."""

    site: str
    title: str
    prefix: str
    network: str

    def address(self, role: str) -> str:
        """The address of the guest that has a role here."""
        return f"{self.network}.{next(one.number for one in ROLES if one.name == role)}"

    @property
    def front(self) -> tuple[str, ...]:
        """What the proxy's certificate has to be good for: its name and its address."""
        return f"dpi.{self.site}.lab", self.address("proxy")


CLINICS = (
    Clinic("carpentras", "Clinique de Carpentras", "ca", "10.84.20"),
    Clinic("cavaillon", "Clinique de Cavaillon", "cv", "10.184.20"),
)
NAMES = {"dpi": "proxy", "dpi-db": "dpi-db", "dpi-app": "dpi-app", "fichiers": "files", "dns": "dns"}
"""What the resolvers know of each clinic: `dpi.carpentras.lab` is its proxy."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a proxy shows that it is who it says: a certificate and its key, both PEM."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one lab keeps to itself.

    The application's password at the database, the care units' at the file servers, and each site's proxy's
    identity. Passwords are of letters, digits, `-` and `_` only: what `secrets.token_urlsafe` makes.
    """

    database: str
    files: str
    proxies: Mapping[str, Identity]


class _Blanks(Template):
    """Text with `@{NAME}`: the configuration of nginx and the shell are full of dollars."""

    delimiter = "@"
    pattern: ClassVar[Any] = r"@\{(?:(?P<braced>[A-Z_]+)|(?P<invalid>))\}|(?P<escaped>(?!))|(?P<named>(?!))"


class _Dumper(yaml.SafeDumper):
    """YAML in which texts of several lines stay readable."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def snippets(secrets: Secrets) -> Mapping[str, str]:
    """File name to document, for every guest of the platform at both clinics: `ca-dpi-db.yml` and so on.

    They hold passwords: who writes them keeps them from others' eyes (mode 0600).
    """
    return {
        f"{clinic.prefix}-{role.name}.yml": document(clinic, role, secrets)
        for clinic in CLINICS
        for role in ROLES
    }


def document(clinic: Clinic, role: Role, secrets: Secrets) -> str:
    """The cloud-init document of one guest."""
    told = {"write_files": list(_files(clinic, role, secrets)), "runcmd": [ENABLE]}
    text = yaml.dump(told, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000)
    return f"#cloud-config\n# {role.name} of {clinic.title}\n{text}"


def _files(clinic: Clinic, role: Role, secrets: Secrets) -> Iterator[dict[str, str]]:
    blanks = _filled(clinic, role, secrets)
    for folder in (HERE / "roles" / "common", HERE / "roles" / FOLDERS.get(role.name, role.name)):
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            path = f"/{file.relative_to(folder)}"
            text = _Blanks(file.read_text(encoding="utf-8")).substitute(blanks)
            yield {"path": path, "permissions": _mode(path), "content": text}
    if role.program:
        source = HERE / "dpi"
        for file in sorted(path for path in source.rglob("*") if path.suffix in SHIPPED):
            path = f"{PROGRAM}/{file.relative_to(source)}"
            yield {"path": path, "permissions": "0644", "content": file.read_text(encoding="utf-8")}


def _mode(path: str) -> str:
    if path in SECRET_FILES:
        return "0640" if path == "/etc/dpi/password" else "0600"  # PostgreSQL's own user reads that one
    return "0755" if path.startswith("/usr/local/sbin/") else "0644"


def _filled(clinic: Clinic, role: Role, secrets: Secrets) -> dict[str, str]:
    return {
        "ALLOWED": "\n".join(f"    access-control: {_around(one)} allow" for one in CLINICS),
        "APP": clinic.address("dpi-app"),
        "DATABASE_PASSWORD": secrets.database,
        "CERTIFICATE": secrets.proxies[clinic.site].certificate.strip(),
        "DB": clinic.address("dpi-db"),
        "FILES_PASSWORD": secrets.files,
        "KEY": secrets.proxies[clinic.site].key.strip(),
        "PACKAGES": " ".join(role.packages),
        "PREFIX": clinic.prefix.upper(),
        "ROUTER": f"{clinic.network}.1",
        "SITE": clinic.site,
        "TITLE": clinic.title,
        "ZONES": "\n".join(_zone(one) for one in CLINICS),
    }


def _around(clinic: Clinic) -> str:
    """All of a clinic's networks."""
    return ".".join(clinic.network.split(".")[:2]) + ".0.0/16"


def _zone(clinic: Clinic) -> str:
    lines = [f'    local-zone: "{clinic.site}.lab." static']
    for name, role in NAMES.items():
        lines.append(f'    local-data: "{name}.{clinic.site}.lab. A {clinic.address(role)}"')
    return "\n".join(lines)
