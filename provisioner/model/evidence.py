"""What the ledger of evidence holds, and how an estate says who signs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    IPvAnyAddress,
    JsonValue,
    PlainSerializer,
    StringConstraints,
)

from provisioner.model.base import DnsName, Model, Name

Scope = Literal["lab", "production"]
"""Where the evidence comes from: a laboratory proves nothing about a clinic."""

Moment = Annotated[
    AwareDatetime,
    AfterValidator(lambda moment: moment.astimezone(UTC).replace(microsecond=0)),
    PlainSerializer(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%SZ}", return_type=str),
]
"""A time in UTC, to the second."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

_PART = r"[A-Za-z0-9_][A-Za-z0-9._@+-]*"
FileName = Annotated[str, StringConstraints(pattern=rf"^{_PART}(/{_PART})*$")]
"""A relative path with `/`, safe to unpack anywhere: `hosts/dpi-db/facts.json`."""


class Copy(Model):
    """A place on another machine to which every new record goes, by SFTP; its host key is pinned by name."""

    address: IPvAnyAddress | DnsName = Field(description="Where the machine is reached.")
    folder: Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._-]+)+$")] = Field(
        description="An absolute path; the folder above it has to be there."
    )
    user: str | None = Field(
        None, pattern=r"^[a-z_][a-z0-9_-]{0,31}$", description="Who logs in. Default: that of `ssh`."
    )


class Evidence(Model):
    """Who signs what Bastide records, and where copies go; see `docs/evidence.md`."""

    key: str | None = Field(
        None,
        description="Private key that signs, relative to the estate; or the `.pub` of one that ssh-agent "
        "holds. Default: a key of Bastide's own, made when the first record is written.",
    )
    allowed_signers: str = Field(
        "allowed_signers",
        description="The public keys that may sign, as `ssh-keygen -Y verify` reads them; relative to the "
        "estate. Keep it under version control.",
    )
    copies: dict[Name, Copy] = Field(
        default_factory=dict,
        description="Machines that keep a copy, by the name under which `known_hosts` pins their keys.",
    )


class Attached(Model):
    """A file that belongs to a record: its name there, and what its content is."""

    name: FileName
    sha256: Sha256
    size_bytes: int = Field(ge=0)


class Entry(Model):
    """What somebody did and saw, as it is given to the ledger.

    `about` is a short summary in JSON values, such as the number of findings; never a secret. `versions`
    are those that only the giver knows, such as the catalogue's; the ledger adds its own.
    """

    kind: Name
    time: Moment
    scope: Scope
    about: dict[str, JsonValue] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)


class Record(Entry):
    """An entry as it stands in the ledger: numbered from 1, and bound to every record before it.

    `previous` is the SHA-256 of the bytes of the record before; None in the first.
    """

    format: Literal["bastide-record/1"] = "bastide-record/1"
    number: int = Field(ge=1)
    estate: Name
    operator: str = Field(description="`user@host`, as the machine says.")
    files: tuple[Attached, ...]
    previous: Sha256 | None


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is not as it was recorded. `file` is relative to the ledger or pack."""

    file: str
    what: str
    record: int | None = None

    def __str__(self) -> str:
        """`record 3: records/000003/record.json: what is wrong`."""
        return f"{f'record {self.record}: ' if self.record else ''}{self.file}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found: the records that can be read, and everything that is wrong.

    `signers` names who signed a record, `digests` is the SHA-256 of its bytes; both by number. Notes are
    worth knowing and no flaw: an append that was cut short, a clock that went back.
    """

    records: tuple[Record, ...]
    digests: Mapping[int, str]
    signers: Mapping[int, str]
    flaws: tuple[Flaw, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signer:
    """A line of `allowed_signers`: a name, and the fingerprint of its key (`SHA256:…`)."""

    name: str
    fingerprint: str
