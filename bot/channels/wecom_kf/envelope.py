"""The envelope of the service's callbacks: XML, with the company's id inside. Source: WeCom documentation 90968."""

from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict  # type: ignore[import-untyped]  # comes with wechatpy

from bot.channels.signed_posts import BadSignature


def sealed_in(body: bytes) -> str:
    """The encrypted part of a callback's body. Raises BadSignature: there is nothing that could be signed."""
    sealed = members(body).get("Encrypt")
    if not isinstance(sealed, str) or not sealed.isascii():
        raise BadSignature
    return sealed


def members(xml: bytes | str) -> dict[str, Any]:
    """The members of `<xml>`; empty for anything else."""
    try:
        found = xmltodict.parse(xml)["xml"]
    except (ExpatError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
