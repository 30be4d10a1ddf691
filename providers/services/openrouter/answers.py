"""What an answer of OpenRouter means. An error may come with its status, or inside a 200: its `code` counts then.

    code                                                        job           raised
    402, or 403 and 429 that speak of credits                   not taken     TellOperator  provider_credit
    403 with reasons of moderation                              not taken     AskPerson     refused_content
    403 otherwise                                               not taken     TellOperator  provider_forbidden
    429, 503 (nobody serves this model now), 529                not taken     WaitAndRetry  provider_busy
    408, 500, 502, 504, 524                                     perhaps       MaybePaid     outcome_unknown
    no code, or one that is no number                           perhaps       MaybePaid     outcome_unknown
    200 without a picture                                       ended         MadeNothing   made_nothing
    200 that is no JSON, or without `data`                      perhaps       MaybePaid     outcome_unknown

`providers.net.outcome` has the rest.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from providers.base import Charge, CostSource
from providers.errors import LikenessError, MadeNothing, MaybePaid, TellOperator
from providers.money import Money
from providers.net.outcome import Answer, refused
from providers.net.outcome import submit_error as by_status

_MODERATION = ("reasons", "flagged_input")


def error_of(answer: Answer) -> LikenessError | None:
    """The error that an answer is or holds; None for one with pictures."""
    told = answer.get("error")
    if answer.ok and told is None:
        return None if isinstance(answer.get("data"), list) else by_status(answer)
    code = told.get("code") if isinstance(told, dict) else None
    status = code if isinstance(code, int) and not isinstance(code, bool) and code >= 400 else answer.status
    if answer.ok and status == answer.status:
        return MaybePaid("a 200 that holds an error without a code")
    metadata = told.get("metadata") if isinstance(told, dict) else None
    if status == 403 and isinstance(metadata, dict) and any(metadata.get(name) for name in _MODERATION):
        return refused("by moderation")
    if status in (403, 429) and _speaks_of_credit(told):
        return TellOperator("the key's or the account's credit is used up", code="provider_credit")
    return by_status(replace(answer, status=status))


def _speaks_of_credit(told: Any) -> bool:
    """A key's own limit is said by 403, a free account's by 429; only their words tell them apart."""
    message = told.get("message") if isinstance(told, dict) else None
    return isinstance(message, str) and any(word in message.lower() for word in ("credit", "key limit", "total limit"))


def pictures_of(answer: Answer) -> Iterator[str]:
    """The base64 of each picture, in order."""
    for item in answer.get("data") or ():
        text = item.get("b64_json") if isinstance(item, dict) else None
        if isinstance(text, str) and text:
            yield text


def charge_of(answer: Answer) -> Charge | None:
    """`usage.cost`, in dollars; None where it is not told."""
    cost = answer.get("usage", "cost")
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not math.isfinite(cost) or cost < 0:
        return None
    return Charge(money=Money.of(cost), source=CostSource.ANSWER)


def nothing() -> LikenessError:
    return MadeNothing("an answer without a picture")
