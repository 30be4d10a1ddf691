"""Whether a reading is what a labelled message expects, and what becomes of the message by what the bot would do."""

from typing import Any, Literal

from intent.corpus import Labelled
from intent.decision_state import SURE
from intent.intent import Intent

_DEFAULTS: dict[str, Any] = {
    "style": None, "action": None, "command": None, "model": "nanopro", "count": 1, "aspect_ratio": None,
}  # fmt: skip

CALLS_OFF = frozenset({"cancel", "start"})
"""Commands that end something: the bot follows none of which it is not sure. From `SURE` on it asks whether to stop."""

Outcome = Literal["right", "one tap", "asked in vain", "wrong picture", "wrong word", "fired", "unanswered"]
"""`right`: done at once, or silence where nothing was asked. `one tap`: asked, and what was meant is among the buttons.
`asked in vain`: asked about a remark, or without it. `wrong picture`: paid for something else. `wrong word`: a word to
the bot where none, or another, was said. `fired`: a picture begun although nothing was asked."""

COST: dict[Outcome, float] = {
    "right": 0, "one tap": 1, "asked in vain": 2, "wrong picture": 10, "fired": 10, "wrong word": 3, "unanswered": 4,
}  # fmt: skip
"""What each outcome costs a person, a tap being 1."""


def faults(want: dict[str, Any], got: Intent) -> list[str]:
    """The fields that are wrong. `then` is compared where the label has it."""
    if got.operation != want["operation"]:
        return ["operation", got.operation]
    if got.operation == "none":
        return []
    keys = ["command"] if got.operation == "command" else [*_DEFAULTS]
    if got.operation == "series":
        keys = [k for k in keys if k not in ("count", "style")]
    wrong = [k for k in keys if getattr(got, k) != want.get(k, _DEFAULTS[k])]
    wrong += ["scale"] * ("scale" in want and got.scale != want["scale"])
    wrong += ["ask"] * (set(want.get("ask", ())) != set(got.ask))
    if got.operation == "series" and [i.style for i in got.items] != [i["style"] for i in want.get("items", ())]:
        wrong.append("items")
    if "then" in want and [t.action for t in got.then] != [t["action"] for t in want["then"]]:
        wrong.append("then")
    words = " ".join(filter(None, [got.prompt, got.scene, *(t.prompt for t in got.then)]))
    words += " ".join(f"{i.prompt or ''} {i.scene or ''}" for i in got.items)
    return wrong + [f"prompt_has {w}" for w in want.get("prompt_has", ()) if w not in words]


def faults_of(row: Labelled, got: Intent) -> list[str]:
    """Against the alternative that fits best; empty where the reading is right."""
    return min((faults(want, got) for want in row.accepted), key=len)


def outcome(row: Labelled, got: Intent) -> Outcome:
    asked_nothing = row.operation == "none"
    match got.decision:
        case "silent":
            return "right" if asked_nothing else "unanswered"
        case "ask" if got.operation != "command":
            # A question back stands for itself; beside other readings none is offered.
            offered = [got] if got.ask else [i for i in (got, *got.alternatives) if not i.ask]
            return "one tap" if any(not faults_of(row, reading) for reading in offered) else "asked in vain"
        case "ask" if got.command == "cancel" and got.confidence >= SURE:
            return "one tap" if not faults_of(row, got) else "asked in vain"
        case "ask" if got.command in CALLS_OFF:
            return "right" if asked_nothing else "unanswered"
        case _:
            if got.operation == "command":
                return "right" if not faults_of(row, got) else "wrong word"
            if asked_nothing:
                return "fired"
            return "right" if not faults_of(row, got) else "wrong picture"
