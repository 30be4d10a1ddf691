"""How long to wait for each part of a passive reply: the platform, and the person, wait less than a second."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """Seconds. None of them ends the work itself: it continues in parallel with the answer that does without it."""

    answer: float = 0.75
    """Then something is answered, whatever is not ready."""
    work: float = 0.45
    """How long an answer waits for the handlers before it says what is foreseen."""
    foresee: float = 0.2
    flush: float = 0.35
    """For what waited for this person to write, sent as messages of its own."""
    upload: float = 0.4
    """For a picture that the answer shows."""
    nonce: float = 0.3
    """How long to ask the store about a signature: while it is slow, what this process remembers decides."""
    body: float = 4.0
    """For the body of a push."""
    rights: float = 2.0
    """How long a start waits to learn what the account may do."""
    last: float = 2.0
    """How long a stop waits for the platform's answers to what was just sent."""
