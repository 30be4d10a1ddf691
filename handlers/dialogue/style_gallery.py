"""`handlers.styles_shown`: the styles that can be made here, each on the person's own photo where a sketch is free."""

import secrets
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from handlers.dialogue.menus import group_name, possible_with, styles_possible
from handlers.dialogue.previews import Marks
from handlers.message import Chat, Language
from handlers.order import Order
from handlers.style_previews import SMALL_SIDE, StylePreviews
from handlers.styles_shown import StyleCard, StyleShelf
from providers.catalog import STYLES
from providers.media.preview import thumbnail
from providers.media.threads import in_thread
from providers.moderation.children import is_adult


@dataclass(frozen=True, kw_only=True)
class StyleGallery:
    """`quote` prices an order and refuses what nobody here can make; `allowed` counts a page of sketches. `of_a_child`:
    whether a person's photos were said to show one. `folder` is for what is on the way to a sketch. `previews` None:
    nothing is sketched here."""

    quote: Callable[[Order], object]
    allowed: Callable[[Chat], Awaitable[bool]]
    of_a_child: Callable[[Chat], Awaitable[bool]]
    marks: Marks
    folder: Path
    previews: StylePreviews | None = None

    async def shelves(self, chat: Chat, language: Language, *, new: bool = False) -> tuple[StyleShelf, ...]:
        child = not new and await self.of_a_child(chat)
        base = Order(operation="portrait", shots=(), photos=(Path("photo"),))
        free = frozenset(self.previews.possible()) if self.previews else frozenset()
        shelves: dict[str, list[StyleCard]] = {}
        for key in styles_possible(base, possible_with(self.quote)):
            if child and is_adult(key):
                continue
            style = STYLES[key]
            use = style.use_zh if language == "zh" else style.use_en
            card = StyleCard(key=key, name=style.name(language), use=use, sketched=key in free)
            shelves.setdefault(style.group, []).append(card)
        return tuple(
            StyleShelf(name=group_name(group, language), cards=tuple(cards)) for group, cards in shelves.items()
        )

    async def may_sketch(self, chat: Chat) -> bool:
        return self.previews is not None and await self.allowed(chat)

    async def sketch(self, chat: Chat, photo: Path, style: str, language: Language) -> bytes | None:
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
