"""What Replicate's answers mean, beyond the table that all services share (`providers.net.outcome`).

Submit: 201 or 202 with an id is taken; everything else is as in the shared table.

A look at the prediction:

    status                                     meant as
    starting                                   queued
    processing                                 running
    succeeded                                  done; after an hour its data is removed: MadeNothing  result_gone
    failed, its error speaks of safety         AskPerson    refused_content
    failed, otherwise                          MadeNothing  provider_failed
    canceled, aborted                          MadeNothing  provider_failed
    anything else                              nothing
"""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from providers.base import Charge, CostSource, Phase, Progress
from providers.errors import LikenessError, MadeNothing
from providers.money import Money
from providers.net.outcome import Answer, refused
from providers.offers import PRICES

_POLICY = re.compile(r"nsfw|safety|sensitive|flagged|moderat|inappropriate|prohibited|content polic", re.IGNORECASE)
"""How models word it differs from one to the other; it is an error's text, and never shown."""


def read(answer: Answer) -> Progress | None:
    """One look at a job. Raises AskPerson or MadeNothing where it ended without a picture."""
    match answer.text("status"):
        case "starting":
            return Progress(phase=Phase.QUEUED)
        case "processing":
            return Progress(phase=Phase.RUNNING)
        case "succeeded":
            if answer.get("data_removed") is True:
                raise MadeNothing("the data of the prediction was removed", code="result_gone")
            return Progress(phase=Phase.DONE)
        case "failed":
            raise _failed(answer.text("error"))
        case "canceled" | "aborted":
            raise MadeNothing("the prediction was cancelled", code="provider_failed")
    return None


def _failed(words: str) -> LikenessError:
    if _POLICY.search(words):
        return refused("the model's safety check")
    return MadeNothing("the prediction failed", code="provider_failed")


def links_of(output: Any) -> list[str]:
    """The links of an output, which is one, a list of them, or an object of either, as the model likes."""
    if isinstance(output, str):
        return [output] if output.startswith(("https://", "http://", "data:")) else []
    values = output.values() if isinstance(output, Mapping) else output if isinstance(output, list) else ()
    return [link for value in values for link in links_of(value)]


@cache
def rates() -> Mapping[str, Decimal]:
    """US dollars a second of the models that are billed so."""
    rows = tomllib.loads((PRICES / "replicate.toml").read_text("utf-8"))["seconds"]
    return {model: Decimal(rate) for model, rate in rows.items()}


def charge_of(answer: Answer, model: str) -> Charge | None:
    """From the seconds the prediction took, where it is billed by them; None for the others."""
    seconds = answer.get("metrics", "predict_time")
    rate = rates().get(model)
    if rate is None or isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e6:
        return None
    return Charge(money=Money.usd(Decimal(str(seconds)) * rate).rounded(6), source=CostSource.TOKENS)
