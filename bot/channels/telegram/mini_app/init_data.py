"""Whether a Mini App was really opened by Telegram, and by whom: its signed init data (Bot API, "Mini Apps").

All fields but `hash`, sorted, as `key=value` lines; `signature` is one of them. The key is HMAC-SHA256 of the bot's
token under `WebAppData`, the hash HMAC-SHA256 of the lines under that key, in hex digits.
"""

import hmac
import json
from urllib.parse import parse_qsl

LONGEST = 8192
"""Characters."""
AGE = 4 * 3600.0
"""Seconds after which init data is too old: longer than anybody paints."""
AHEAD = 300.0
"""Seconds a clock may be ahead of ours."""


class Forged(Exception):
    """Not Telegram's, not for this bot, or too old."""


def person_of(init_data: str, *, token: str, now: float) -> str:
    """The id of the person. `now`: Unix time. Raises Forged."""
    if len(init_data) > LONGEST:
        raise Forged("too long")
    try:
        pairs = parse_qsl(init_data, keep_blank_values=True, strict_parsing=True, max_num_fields=40)
    except ValueError:
        raise Forged("no init data") from None
    fields = dict(pairs)
    given = fields.pop("hash", "")
    if len(fields) + 1 != len(pairs):
        raise Forged("a field that comes twice, or no hash")
    lines = "\n".join(f"{key}={fields[key]}" for key in sorted(fields))
    key = hmac.digest(b"WebAppData", token.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, lines.encode(), "sha256").hex().encode(), given.encode()):
        raise Forged("another hash")
    age = now - _number(fields.get("auth_date", ""))
    if not -AHEAD <= age <= AGE:
        raise Forged("too old")
    return str(_user(fields.get("user", "")))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise Forged("no date")
    return int(text)


def _user(text: str) -> int:
    try:
        user = json.loads(text)["id"]
    except (ValueError, KeyError, TypeError):
        raise Forged("nobody") from None
    if not isinstance(user, int) or isinstance(user, bool):
        raise Forged("nobody")
    return user
