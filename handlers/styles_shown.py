"""The styles of this installation as a channel shows them all at once: the values, and who gives them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from handlers.message import Chat, Language


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleCard:
    """`sketched`: it can be shown on a photo for free."""

    key: str
    name: str
    use: str
    sketched: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleShelf:
    """A group of styles, in the catalog's order."""

    name: str
    cards: tuple[StyleCard, ...]


class StylesShown(Protocol):
    """What a channel asks: `handlers.dialogue.style_gallery.StyleGallery`."""

    async def shelves(self, chat: Chat, language: Language, *, new: bool = False) -> tuple[StyleShelf, ...]:
        """What can be made now, by whom ever, of the photo that this person sent last; `new`: of one of which nothing
        was said yet. What is not made of children is left out where the photo was said to show one."""

    async def may_sketch(self, chat: Chat) -> bool:
        """Whether a page of sketches is made for this person. It is counted: ask once for a page."""

    async def sketch(self, chat: Chat, photo: Path, style: str, language: Language) -> bytes | None:
        """A small JPEG, labelled and marked as any picture for this chat, of which nothing stays; None where this
        photo does not allow the style. Raises LikenessError, OSError where the photo cannot be read."""


@runtime_checkable
class ShowsStyles(Protocol):
    """A channel that has a place for all styles at once."""

    def show_styles(self, styles: StylesShown) -> None:
        """Called once, before the channel is started."""
