"""Content Credentials (C2PA): a signed manifest in the file, by which others can tell who says it was made by an AI.

Optional: `pip install 'likeness[c2pa]'`, and a certificate with its key (LABEL_C2PA_CERTIFICATE, LABEL_C2PA_KEY). It is
put in after everything else, as any later change of a byte breaks it; nothing is encoded anew, 3 KB a file. The
network is never asked, so there is no time stamp, and of the person's photo nothing is in it. What a service signed is
gone by then, with all else that it writes into its files (`providers/media/save.py`).
"""

import io
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from providers.media.labels import VOCABULARY, Label, SourceType
from providers.media.xmp import format_of

_MIME = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_CURVES = {"secp256r1": b"es256", "secp384r1": b"es384", "secp521r1": b"es512"}
_SETTINGS = {"builder": {"thumbnail": {"enabled": False}}, "verify": {"remote_manifest_fetch": False}}
"""No thumbnails, which would be the largest part of some files; and no address that a file names is asked."""


class CredentialsUnusable(Exception):
    """The text is a sentence for the operator; it never quotes a file."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The credentials of a file: `state` is `Valid`, `Trusted` (a certificate on the list of C2PA) or `Invalid`."""

    state: str
    issuer: str
    source: SourceType | None


class ContentCredentials:
    """Signs pictures. `chain`: the certificates, in PEM, the signer's own first; `key`: its private key, in PEM.

    Raises CredentialsUnusable where the library is missing, or the two do not belong together.
    """

    def __init__(self, *, chain: bytes, key: bytes) -> None:
        self._library = _library()
        self._chain, self._key = chain, key
        self._algorithm = _algorithm(chain, key)

    @classmethod
    def of_files(cls, certificate: Path, key: Path) -> "ContentCredentials":
        """Raises CredentialsUnusable, also where a file cannot be read."""
        try:
            return cls(chain=certificate.read_bytes(), key=key.read_bytes())
        except OSError:
            raise CredentialsUnusable(
                "LABEL_C2PA_CERTIFICATE or LABEL_C2PA_KEY names no file that can be read"
            ) from None

    def signed(self, data: bytes, label: Label) -> bytes:
        """`data` (JPEG, PNG or WebP) with a manifest that says what `label` does. Blocks for some milliseconds.

        Raises CredentialsUnusable (a certificate that has expired) and Malformed.
        """
        library, mime = self._library, _MIME[format_of(data)]
        out = io.BytesIO()
        try:
            info = library.C2paSignerInfo(self._algorithm, self._chain, self._key, None)
            with (
                library.Context(library.Settings.from_dict(_SETTINGS)) as context,
                library.Signer.from_info(info) as signer,
                library.Builder(_manifest(label), context) as builder,
            ):
                builder.sign(signer, mime, io.BytesIO(data), out)
        except library.C2paError as error:
            raise CredentialsUnusable(
                f"a picture could not be signed ({type(error).__name__.lstrip('_')}): see that the certificate is in "
                "date, is for signing (an extended key usage such as emailProtection) and comes with its issuer's"
            ) from None
        return out.getvalue()


def read_credentials(data: bytes) -> Found | None:
    """What is signed in a file; None where nothing is. Raises CredentialsUnusable where the library is missing."""
    library = _library()
    try:
        with (
            library.Context(library.Settings.from_dict(_SETTINGS)) as context,
            library.Reader(_MIME[format_of(data)], io.BytesIO(data), context=context) as reader,
        ):
            told: dict[str, Any] = json.loads(reader.json())
    except library.C2paError:
        return None
    active = told["manifests"].get(told.get("active_manifest"), {})
    actions = [
        action
        for assertion in active.get("assertions", [])
        if assertion["label"].startswith("c2pa.actions")
        for action in assertion["data"]["actions"]
    ]
    sources = [str(action.get("digitalSourceType", "")).removeprefix(VOCABULARY) for action in actions]
    return Found(
        state=str(told.get("validation_state", "")),
        issuer=str(active.get("signature_info", {}).get("issuer", "")),
        source=SourceType(sources[-1]) if sources and sources[-1] in set(SourceType) else None,
    )


def _library() -> Any:
    try:
        import c2pa
    except ImportError:
        raise CredentialsUnusable("signing needs the extra: pip install 'likeness[c2pa]'") from None
    return c2pa


def _manifest(label: Label) -> dict[str, Any]:
    made: dict[str, Any] = {
        "action": "c2pa.created",
        "digitalSourceType": VOCABULARY + label.source.value,
        "when": label.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {
        "claim_generator_info": [{"name": "Likeness", "version": version("likeness")}],
        "title": label.produce_id,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [made]}}],
    }


def _algorithm(chain: bytes, key: bytes) -> bytes:
    """C2PA's name for how this key signs. Raises CredentialsUnusable."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        private = load_pem_private_key(key, password=None)
        certificate = x509.load_pem_x509_certificates(chain)[0]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CredentialsUnusable(
            "LABEL_C2PA_CERTIFICATE must hold certificates, LABEL_C2PA_KEY a key without a password, both in PEM"
        ) from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise CredentialsUnusable("LABEL_C2PA_KEY is not the key of the first certificate in LABEL_C2PA_CERTIFICATE")
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _CURVES:
        return _CURVES[private.curve.name]
    if isinstance(private, rsa.RSAPrivateKey):
        return b"ps256"
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return b"ed25519"
    raise CredentialsUnusable("LABEL_C2PA_KEY is of a kind that C2PA does not know: use ECDSA P-256, RSA or Ed25519")
