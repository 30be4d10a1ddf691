"""What OpenAI's answers mean, beyond the table that all services share (`providers.net.outcome`); `code` decides.

    answer                                                          job          raised
    2xx with `data`                                                 made         - (no picture in it: MadeNothing)
    2xx without; a stream that ends early                           perhaps      MaybePaid     outcome_unknown
    400 moderation_blocked, content_policy_violation                not made     AskPerson     refused_content
    400 billing_hard_limit_reached, 429 insufficient_quota          not taken    TellOperator  provider_credit
    401                                                             not taken    TellOperator  provider_key
    403: the organisation is not verified, the model not allowed    not taken    TellOperator  provider_forbidden
    429 otherwise                                                   not taken    WaitAndRetry  provider_busy

A refusal after making (moderation_stage `output`) is one, too. Messages are never read: that of a wrong key repeats
the key's ends.
"""

import base64
import binascii
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from providers.base import Charge, CostSource
from providers.errors import LikenessError, MaybePaid, TellOperator
from providers.money import Money
from providers.net.outcome import Answer, refused, submit_error
from providers.offers import PRICES
from providers.services.openai.offers import MAIN

POLICY = frozenset({"moderation_blocked", "content_policy_violation"})
CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
MILLION = 1_000_000


def submit_failure(answer: Answer) -> LikenessError:
    """The error of a submit that was answered without pictures, or whose stream told an error."""
    code = answer.text("error", "code")
    if code in POLICY:
        return refused(code)
    if code in CREDIT:
        return TellOperator(code, code="provider_credit")
    return MaybePaid("a stream that ended with an error") if answer.ok else submit_error(answer)


def pictures_of(answer: Answer) -> list[bytes]:
    """The pictures of an answer with 2xx, in order. Raises MaybePaid where it cannot be read."""
    entries = answer.get("data")
    if not isinstance(entries, list):
        raise MaybePaid("an answer without data")
    texts = [entry.get("b64_json") for entry in entries if isinstance(entry, dict)]
    return [_decoded(text) for text in texts if isinstance(text, str) and text]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MaybePaid("a picture that cannot be read") from None


@cache
def rates() -> Mapping[str, Mapping[str, Decimal]]:
    """US dollars for a million tokens of each kind, by model."""
    rows = tomllib.loads((PRICES / "openai.toml").read_text("utf-8"))["tokens"]
    return {model: {kind: Decimal(rate) for kind, rate in row.items()} for model, row in rows.items()}


def rate_of(model: str) -> Mapping[str, Decimal]:
    """A model's rates; those of the main one where it is not listed."""
    return rates().get(_listed(model), rates()[MAIN])


def charge_of(answer: Answer, model: str) -> Charge | None:
    """From the tokens the answer counts, at the model's rates; None where it counts none."""
    sent, made = answer.get("usage", "input_tokens_details"), _count(answer, "usage", "output_tokens")
    if made is None:
        return None
    rate = rate_of(model)
    text, image = (_count(answer, "usage", "input_tokens_details", name) for name in ("text_tokens", "image_tokens"))
    if not isinstance(sent, dict) or text is None or image is None:
        text, image = 0, _count(answer, "usage", "input_tokens") or 0
    dollars = (rate["text"] * text + rate["image"] * image + rate["made"] * made) / MILLION
    return Charge(money=Money.usd(dollars).rounded(6), source=CostSource.TOKENS)


def _listed(model: str) -> str:
    """The longest name in the list that this one begins with: a snapshot is priced as its model."""
    return max((name for name in rates() if model.startswith(name)), key=len, default=MAIN)


def _count(answer: Answer, *path: str) -> int | None:
    found = answer.get(*path)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None
