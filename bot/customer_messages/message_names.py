"""Our own names for messages of results, for platforms that take one and say by it which message did not arrive.

At most 32 of `0-9a-zA-Z_-` (WeCom documentation 94677): the job, the number of its delivery, and the message's part.
"""

import re

from bot.customer_messages.follower import Step

_DELIVERY = re.compile(r"result:([0-9a-z]{1,20})(?::([0-9]{1,3}))?")
_NAME = re.compile(r"([0-9a-z]{1,20})-([0-9]{1,3})-([a-z0-9]{1,7})")


def name_of(step: Step | None) -> str:
    """Empty for a message that is not of a result."""
    found = None if step is None else _DELIVERY.fullmatch(step.id)
    return "" if step is None or found is None else f"{found[1]}-{found[2] or 0}-{step.which}"


def named(name: str) -> tuple[str, Step] | None:
    """The job and the message of its result; None for a name that is not ours."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    number = "" if found[2] == "0" else f":{found[2]}"
    return found[1], Step(id=f"result:{found[1]}{number}", which=found[3])
