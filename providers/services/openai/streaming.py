"""A picture that comes in steps: how many are asked for, and what the events of such an answer mean.

    event                                            meaning
    image_generation.partial_image, image_edit.…     a preview
    image_generation.completed, image_edit.…         the picture, with what it cost
    error                                            as an answer with that code; any other: nobody knows
    the end without one of the last two              nobody knows: perhaps it was made, and is charged

Each preview is charged as 100 tokens of output, which the `usage` at the end counts in.
"""

import base64
import binascii
from decimal import Decimal
from typing import Any

from providers.base import Phase, Progress, Request
from providers.net.outcome import Answer
from providers.offers import Offer
from providers.services.openai.answers import rate_of

MOST = 3
"""What the API takes as `partial_images`."""
TOKENS = 100
SHARE = Decimal("0.1")
"""Of a picture's price: the most that its previews may add to it."""
FIELDS = frozenset({"stream", "partial_images"})


def steps_for(request: Request, offer: Offer, most: int) -> int:
    """How many previews to ask for: none where nobody looks on, none of several pictures (no event says of which it
    is), and never more than a tenth of the picture's price."""
    if request.onlooker is None or request.count != 1:
        return 0
    each = rate_of(offer.model)["made"] * TOKENS / 1_000_000
    affordable = int(offer.price.one.amount * SHARE / each)
    return max(0, min(most, MOST, affordable))


class Heard:
    """What a stream said so far. `told` is given each event."""

    def __init__(self, request: Request) -> None:
        self._onlooker = request.onlooker
        self._end: dict[str, Any] | None = None
        self._error: dict[str, Any] | None = None

    def told(self, event: dict[str, Any]) -> None:
        kind = str(event.get("type", ""))
        if kind.endswith(".partial_image"):
            self._preview(event.get("b64_json"))
        elif kind.endswith(".completed"):
            self._end = event
        elif kind == "error" or isinstance(event.get("error"), dict):
            self._error = event["error"] if isinstance(event.get("error"), dict) else event

    def _preview(self, text: Any) -> None:
        try:
            picture = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
        except (binascii.Error, ValueError):
            return
        if picture and self._onlooker is not None:
            self._onlooker(Progress(phase=Phase.RUNNING, preview=picture))

    def answer(self, streamed: Answer) -> Answer:
        """The whole of it as one that came at once: `data` and `usage`, or `error`, or neither where it ended early."""
        if self._end is not None:
            body: dict[str, Any] = {"data": [{"b64_json": self._end.get("b64_json")}], "usage": self._end.get("usage")}
        else:
            body = {"error": self._error} if self._error is not None else {}
        return Answer(status=streamed.status, headers=streamed.headers, body=body)
