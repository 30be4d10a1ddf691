"""Act, ask or stay silent: whichever costs a person least on the average, given how likely each reading is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Decision = Literal["act", "ask", "silent"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What each outcome is worth, a tap being 1: a wrong picture costs money and a minute, a tap two seconds."""

    wrong_picture: float = 10.0
    wrong_word: float = 4.0
    """A word to the bot carried out, or a question asked back, that was another."""
    interrupted: float = 7.0
    """The same where nothing was asked at all."""
    unanswered: float = 4.0
    """A request that nothing answers."""
    question_on_chatter: float = 3.0
    tap: float = 1.0
    missing_button: float = 4.0
    """A question whose buttons do not hold what was meant."""


PRIVATE = Costs()
GROUP = Costs(unanswered=2.5, question_on_chatter=5.0)
"""In a group others read along: a needless question costs more, a missed request less."""
BUTTONS = 4
"""Readings that are offered at once."""


def decide_by_cost(
    requests: Sequence[float], nothing: float, *, harmless: bool, costs: Costs = PRIVATE
) -> tuple[Decision, float]:
    """The cheapest thing to do and what it costs on the average.

    `requests`: the probabilities of the readings that ask for something, likeliest first. `nothing`: that of a remark.
    `harmless`: acting on the likeliest of them begins no picture.
    """
    if not requests:
        return "silent", 0.0
    wrong, fired = (costs.wrong_word, costs.interrupted) if harmless else (costs.wrong_picture, costs.wrong_picture)
    offered = sum(requests[:BUTTONS])
    missing = max(0.0, 1 - nothing - offered)
    each: tuple[tuple[float, Decision], ...] = (
        (nothing * fired + max(0.0, 1 - nothing - requests[0]) * wrong, "act"),
        (nothing * costs.question_on_chatter + offered * costs.tap + missing * costs.missing_button, "ask"),
        ((1 - nothing) * costs.unanswered, "silent"),
    )
    cost, decision = min(each)
    return decision, cost
