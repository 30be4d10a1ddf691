"""A sticker pack from an expression sheet, on request, if the channel can make packs: of the pictures that were
delivered, each with the emoji of its expression."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from handlers.channel import DeliveryError, MakesStickers, Sticker
from handlers.dialogue.facts import MessageFacts
from handlers.dialogue.turn import Decision
from handlers.message import Kind, Outgoing
from handlers.sheets import sheets
from handlers.store.base import Job, Store
from handlers.words import words
from providers.media.store import at_hand

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StickerPacks:
    """`makers`: the channels that make packs."""

    store: Store
    makers: Mapping[str, MakesStickers]

    async def answer(self, heard: MessageFacts, decision: Decision) -> Decision:
        """Make the requested pack; the answer is its address, or a sentence why there is none."""
        job = await self.store.job(decision.stickers or "")
        maker = self.makers.get(heard.message.chat.channel)
        if job is None or maker is None:
            return decision
        language = decision.session.language or "en"
        try:
            address = await maker.make_stickers(
                heard.message.chat,
                key=job.id,
                title=words(language, "say.stickers_title"),
                stickers=await stickers_of(job, self.store),
            )
            text = words(language, "say.stickers", address=address)
        except DeliveryError as error:
            log.info("a sticker pack failed: %s", error)
            text = words(language, "say.stickers_not")
        said = Outgoing(
            id=f"{heard.message.key}:stickers", kind=Kind.TEXT, text=text, ref=heard.message.ref, language=language
        )
        return replace(decision, replies=(*decision.replies, said))


async def stickers_of(job: Job, store: Store) -> tuple[Sticker, ...]:
    """The delivered single pictures of the sheet, in its order."""
    if job.plan is None or not job.order.sheet:
        return ()
    views = {view.key: view for view in sheets()[job.order.shots[0].edits[0].action].views}
    first = next(iter(views))
    delivered = {picture.path for picture in job.pictures}
    made = {part.key: part.pictures for part in await store.parts(job.id)}
    found = []
    for step in job.plan.results:
        for key, pictures in made.items():
            name = key.removeprefix(f"{job.id}-").partition("~")[0]
            view = views.get(first if name == "anchor" else name)
            if name == step.id and view is not None and view.emoji:
                found += [Sticker(path=p.path, emoji=view.emoji) for p in pictures if p.path in delivered]
    for sticker in found:
        await at_hand(store.media, sticker.path)
    return tuple(found)
