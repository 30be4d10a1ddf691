"""A certificate to sign pictures with, issued by an authority of its own, as an operator would be sent one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)
_NOT = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


@dataclass(frozen=True, kw_only=True)
class Issued:
    """The chain and the key, in PEM."""

    chain: bytes
    key: bytes

    def files(self, folder: Path) -> tuple[Path, Path]:
        chain, key = folder / "chain.pem", folder / "key.pem"
        chain.write_bytes(self.chain)
        key.write_bytes(self.key)
        return chain, key


def issued(*, name: str = "Portrait Studio", days: int = 365) -> Issued:
    """Good from a year ago until so many days from now; with fewer than none it has expired."""
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("An authority", authority.public_key(), "An authority", 365)
    root = (
        root.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**(_NOT | {"key_cert_sign": True, "crl_sign": True})), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
    )
    leaf = (
        _certificate(name, own.public_key(), "An authority", days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**(_NOT | {"digital_signature": True})), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
    )
    chain = b"".join(c.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM) for c in (leaf, root))
    return Issued(chain=chain, key=own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _certificate(name: str, key: ec.EllipticCurvePublicKey, issuer: str, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 365 * _DAY)
        .not_valid_after(now + days * _DAY)
    )


def _named(name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)]
    )
