"""What an answer of AUTOMATIC1111 (Forge, SD.Next, …) means. It is the operator's own, so a submit may be repeated.

    answer                                                    job           raised
    200 with pictures                                         done          -
    200 without: it was interrupted, or made nothing          ended         MadeNothing   made_nothing
    200 that cannot be read                                   perhaps       MaybePaid     outcome_unknown
    401: --api-auth                                           not taken     TellOperator  provider_key
    404 of the web server itself: started without --api       not taken     TellOperator  provider_endpoint
    400, 404, 422 of the API: a name it does not have, a
      picture it cannot read                                  not taken     AskPerson     provider_rejected
    500 OutOfMemoryError                                      ended         MadeNothing   provider_failed
    every other 5xx                                           perhaps       MaybePaid     outcome_unknown

`detail` and `errors` hold paths and words; of them nothing is shown.
"""

import base64
import binascii
import json
from typing import Any

from providers.errors import LikenessError, MadeNothing, TellOperator
from providers.net.outcome import Answer
from providers.net.outcome import submit_error as by_status


def submit_error(answer: Answer) -> LikenessError:
    """Of a call that was answered without pictures."""
    if answer.status == 404 and answer.get("error") is None and answer.text("detail") == "Not Found":
        return TellOperator("no such address: the server is to be started with --api", code="provider_endpoint")
    if answer.status == 500 and "OutOfMemory" in answer.text("error"):
        return MadeNothing("the server's memory is too small", code="provider_failed")
    return by_status(answer)


def pictures_of(answer: Answer) -> list[bytes]:
    """What was made, without the maps that extensions add at the end. Raises what the answer is instead."""
    if not answer.ok:
        raise submit_error(answer)
    images = answer.get("images")
    if images is None and isinstance(answer.get("image"), str):
        images = [answer.get("image")]
    if not isinstance(images, list):
        raise by_status(answer)
    count = _count(answer.text("info"))
    return [_bytes(text) for text in images[:count] if isinstance(text, str) and text]


def _count(info: str) -> int | None:
    """How many pictures there are, from the text `info`; None where it is not told."""
    try:
        told: Any = json.loads(info)
    except ValueError:
        return None
    seeds = told.get("all_seeds") if isinstance(told, dict) else None
    return len(seeds) if isinstance(seeds, list) and seeds else None


def _bytes(text: str) -> bytes:
    """What is no base64 is kept as nothing, and found to be no picture when it is fetched."""
    try:
        return base64.b64decode(text.partition(";base64,")[2] or text, validate=True)
    except binascii.Error:
        return b""
