"""The kinds of refused content, and the one error they end in."""

from enum import StrEnum

from providers.codes import Code
from providers.errors import AskPerson


class Offence(StrEnum):
    """For counting and for the operator; a person never reads which one it was, nor which word."""

    SEXUAL = "sexual"
    BARE = "bare"
    """Undressing somebody: a prohibited practice, consent or not."""
    MINOR = "minor"
    """A child shown in a suggestive way."""
    DECEPTION = "deception"
    """A document, a note or a message made to deceive."""
    GORE = "gore"
    PICTURE = "picture"
    """A photo, or a result, that a look at the pixels found to be one of these."""


class ContentRefused(AskPerson):
    """It is not made here. Nothing was sent to anybody and nothing is charged."""

    code: Code = "refused_content"
    text_key = "error.refused_here"

    def __init__(self, offence: Offence) -> None:
        super().__init__(f"content policy: {offence.value}")
        self.offence = offence
