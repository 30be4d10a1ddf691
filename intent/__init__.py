"""What a message asks for. `parse(text, photos=0)` is the whole of it; the contract is `docs/intent.md`.

Pure: the lexicon is read once, then there is no I/O, no clock and no network.
"""

from intent.decide import decide
from intent.intent import COMMANDS, Intent, SeriesItem, ThenEdit
from intent.scan import Scan

SURE = 0.6
"""Below this confidence the bot asks, offering `Intent.alternatives`, before it does paid work."""


def parse(text: str, *, photos: int = 0) -> Intent:
    """The one reading of a message. `photos`: how many came with it or lie on the table from just before. Never raises."""
    return decide(Scan(text, photos))[0]


__all__ = ["COMMANDS", "SURE", "Intent", "SeriesItem", "ThenEdit", "parse"]
