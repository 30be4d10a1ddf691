"""The styles that can be made here, for a channel that shows them all at once, each on the person's own photo where a
sketch of it costs nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from handlers.dialogue.menus import group_name, possible_with, styles_possible
from handlers.dialogue.previews import Previews
from handlers.message import Chat, Language
from handlers.order import Order
from providers.catalog import STYLES


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


@dataclass(frozen=True, kw_only=True)
class StyleGallery:
    """`quote` prices an order and refuses what nobody here can make. `may_sketch` counts: ask once for a page of them.
    `previews` None: nothing is sketched here."""

    quote: Callable[[Order], object]
    may_sketch: Callable[[Chat], Awaitable[bool]]
    previews: Previews | None = None

    def shelves(self, language: Language) -> tuple[StyleShelf, ...]:
        """What can be made of one photo now, by whom ever."""
        base = Order(operation="portrait", shots=(), photos=(Path("photo"),))
        shelves: dict[str, list[StyleCard]] = {}
        for key in styles_possible(base, possible_with(self.quote)):
            style = STYLES[key]
            sketched = self.previews is not None and self.previews.shows(key)
            use = style.use_zh if language == "zh" else style.use_en
            card = StyleCard(key=key, name=style.name(language), use=use, sketched=sketched)
            shelves.setdefault(style.group, []).append(card)
        return tuple(
            StyleShelf(name=group_name(group, language), cards=tuple(cards)) for group, cards in shelves.items()
        )

    async def sketch(self, chat: Chat, photo: Path, style: str, language: Language) -> bytes:
        """A small JPEG, labelled and marked as any picture for this chat. Raises LikenessError, OSError."""
        if self.previews is None:
            raise FileNotFoundError(style)
        return await self.previews.sketch(chat, photo, style, language)


@runtime_checkable
class ShowsStyles(Protocol):
    """A channel that has a place for all styles at once."""

    def show_styles(self, gallery: StyleGallery) -> None:
        """Called once, before the channel is started."""
