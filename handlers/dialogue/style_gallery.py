"""The styles that can be made here, for a channel that shows them all at once, each on the person's own photo where a
sketch of it costs nothing."""

import secrets
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from handlers.dialogue.menus import group_name, possible_with, styles_possible
from handlers.dialogue.previews import Marks
from handlers.message import Chat, Language
from handlers.order import Order
from handlers.style_previews import SMALL_SIDE, StylePreviews
from providers.catalog import STYLES
from providers.media.preview import thumbnail
from providers.media.threads import in_thread


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
    `folder` is for what is on the way to a sketch. `previews` None: nothing is sketched here."""

    quote: Callable[[Order], object]
    may_sketch: Callable[[Chat], Awaitable[bool]]
    marks: Marks
    folder: Path
    previews: StylePreviews | None = None

    def shelves(self, language: Language) -> tuple[StyleShelf, ...]:
        """What can be made of one photo now, by whom ever."""
        base = Order(operation="portrait", shots=(), photos=(Path("photo"),))
        free = frozenset(self.previews.possible()) if self.previews else frozenset()
        shelves: dict[str, list[StyleCard]] = {}
        for key in styles_possible(base, possible_with(self.quote)):
            style = STYLES[key]
            use = style.use_zh if language == "zh" else style.use_en
            card = StyleCard(key=key, name=style.name(language), use=use, sketched=key in free)
            shelves.setdefault(style.group, []).append(card)
        return tuple(
            StyleShelf(name=group_name(group, language), cards=tuple(cards)) for group, cards in shelves.items()
        )

    async def sketch(self, chat: Chat, photo: Path, style: str, language: Language) -> bytes | None:
        """A small JPEG, labelled and marked as any picture for this chat, of which nothing stays here; None where this
        photo does not allow the style. Raises LikenessError, OSError where the photo cannot be read."""
        if self.previews is None:
            return None
        into = self.folder / f"sketch-{secrets.token_hex(12)}"
        try:
            made = [picture async for _, picture in self.previews.of(photo, [style], into)]
            if not made:
                return None
            (marked,) = await self.marks.delivered(made, chat=chat, language=language)
            return await in_thread(thumbnail, marked.path, SMALL_SIDE)
        finally:
            await in_thread(partial(shutil.rmtree, into, ignore_errors=True))


@runtime_checkable
class ShowsStyles(Protocol):
    """A channel that has a place for all styles at once."""

    def show_styles(self, gallery: StyleGallery) -> None:
        """Called once, before the channel is started."""
