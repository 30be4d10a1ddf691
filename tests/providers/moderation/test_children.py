"""What is not made of a child is refused by whichever way it comes, before anything is sent; of others it is made."""

from pathlib import Path
from typing import Any

import pytest

from providers.moderation.moderation import WORDS_ONLY
from providers.moderation.offence import ContentRefused
from providers.task import Operation
from tests.providers.wanted import wanted

PHOTO = Path("me.jpg")


@pytest.mark.parametrize(
    "asked",
    [
        {"operation": Operation.EDIT, "action": "slim", "text": "my daughter"},
        {"operation": Operation.EDIT, "action": "edit", "text": "给我儿子瘦脸"},
        {"operation": Operation.PORTRAIT, "style": "dating_beach", "text": "my 12 year old"},
        {"operation": Operation.PORTRAIT, "style": "child_portrait", "text": "in a bikini"},
        {"operation": Operation.PORTRAIT, "text": "孩子的泳装写真"},
    ],
)
async def test_it_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(ContentRefused):
        await WORDS_ONLY.before(wanted(photos=[PHOTO], prompt="A picture.", **asked))


@pytest.mark.parametrize(
    "asked",
    [
        {"operation": Operation.EDIT, "action": "slim", "text": "me"},
        {"operation": Operation.PORTRAIT, "style": "dating_beach", "text": "me at sunset"},
        {"operation": Operation.PORTRAIT, "style": "child_portrait", "text": "in a red coat"},
        {"operation": Operation.PORTRAIT, "text": "me in a bikini by the pool"},
    ],
)
async def test_the_rest_is_not(asked: dict[str, Any]) -> None:
    await WORDS_ONLY.before(wanted(photos=[PHOTO], prompt="A picture.", **asked))


async def test_words_alone_are_of_nobody() -> None:
    await WORDS_ONLY.before(wanted(operation=Operation.CREATE, text="children in swimsuits on a beach, oil painting"))
