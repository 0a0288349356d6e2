"""The sandbox's own certificate authority: one root for each sandbox, one certificate for each datastore."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_YEARS: Final = timedelta(days=3650)
_SLACK: Final = timedelta(days=1)
"""Certificates begin to be valid that much earlier, for clients whose clock is late."""


class Authority:
    """The root certificate and its key, in two files of a folder, made when they are not there."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ca.crt"
        key = folder / "ca.key"
        if not self.path.exists():
            self._make(key)
        self._key = _read_key(key)
        self._certificate = x509.load_pem_x509_certificate(self.path.read_bytes())

    def certificate_for(self, addresses: Sequence[str], names: Sequence[str]) -> tuple[bytes, bytes]:
        """Return certificate and key (PEM, the key as PKCS #8) of a server with these addresses and names.

        Addresses stand in it as names, too: libpq before version 15 knows no addresses.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [
            *(x509.IPAddress(ip_address(address)) for address in addresses),
            *(x509.DNSName(name) for name in (*addresses, *names)),
        ]
        made = (
            _builder(addresses[0], self._certificate.subject)
            .public_key(key.public_key())
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_identifier_of(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM), _pem_of(key)

    def _make(self, path: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "managed-databases sandbox")])
        made = (
            _builder(None, name)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage_of_a_root(), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        path.touch(0o600)
        path.write_bytes(_pem_of(key))
        self.path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        self.path.chmod(0o644)


def _builder(subject: str | None, issuer: x509.Name) -> x509.CertificateBuilder:
    name = issuer if subject is None else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + _YEARS)
    )


def _usage_of_a_root() -> x509.KeyUsage:
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


def _identifier_of(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
