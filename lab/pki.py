"""The lab's own certificate authority, and the certificates of its sites.

Clients verify the lab as they would a hospital's cluster: against a CA file. `cryptography` makes everything.
"""

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEAR = dt.timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority and where its certificate lies for clients to read."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    cafile: Path

    @classmethod
    def in_directory(cls, folder: Path) -> "Authority":
        """The authority kept in `folder` (ca.pem, ca.key), made on first use."""
        cafile, keyfile = folder / "ca.pem", folder / "ca.key"
        if cafile.exists() and keyfile.exists():
            key = serialization.load_pem_private_key(keyfile.read_bytes(), None)
            if isinstance(key, ec.EllipticCurvePrivateKey):
                return cls(key, x509.load_pem_x509_certificate(cafile.read_bytes()), cafile)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _authority_certificate(key)
        write_private(keyfile, _pem(key))
        cafile.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(key, certificate, cafile)

    def issue(
        self, folder: Path, name: str, hosts: tuple[str, ...], *, expired: bool = False
    ) -> tuple[Path, Path]:
        """Write `name`.pem and `name`.key for a server that answers to `hosts`; the paths of both.

        `expired` makes a certificate whose last day was yesterday.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        ends = now - dt.timedelta(days=1) if expired else now + YEAR
        usages = [ExtendedKeyUsageOID.SERVER_AUTH]
        certificate = (
            _builder(name, self.certificate.subject, key, ends - 2 * YEAR, ends)
            .add_extension(
                x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )
        certfile, keyfile = folder / f"{name}.pem", folder / f"{name}.key"
        write_private(keyfile, _pem(key))
        certfile.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return certfile, keyfile


def fingerprint(certfile: Path) -> str:
    """The SHA-256 fingerprint of a certificate file, as Proxmox prints it: `AA:BB:...`."""
    digest = x509.load_pem_x509_certificate(certfile.read_bytes()).fingerprint(hashes.SHA256())
    return ":".join(f"{byte:02X}" for byte in digest)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, whatever the umask."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        path.chmod(0o600)
        out.write(content)


def _authority_certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    name = "Bastide lab CA"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        _builder(name, subject, key, now - dt.timedelta(days=1), now + 10 * YEAR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_signing_only(), critical=True)
        .sign(key, hashes.SHA256())
    )


def _builder(
    name: str,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begins: dt.datetime,
    ends: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _signing_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
