"""From what was pulled to the handlers, and their answer back: as one message, because there are only five."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.channels.arrivals import Arrival, Outcome, Timing, internal_error
from bot.channels.intake import Intake
from bot.channels.wecom_kf.api import BY_A_PERSON, QUEUED, KfApi
from bot.channels.wecom_kf.events import CHANNEL, Event
from bot.customer_messages.api import WeChatError
from bot.customer_messages.follower import Follower
from bot.customer_messages.follower_store import FollowerStore
from bot.customer_messages.sender import CustomerMessages, shown_choices
from bot.metrics import Metrics
from handlers.channel import Answerer, DeliveryError, DeliveryLater
from handlers.choices import leads_somewhere
from handlers.message import Choice, IncomingPhoto, Kind, Language, Message, Outgoing
from handlers.store.base import Store
from handlers.words import words
from providers.media.files import delete_quietly, write_file
from providers.media.threads import in_file_thread

log = logging.getLogger(__name__)

SERVED = "wecom_kf.served"
PERSON = "person:please"
"""The choice that asks for a human agent."""
PAUSES = (0.5, 2.0, 6.0)
OVER_LIMIT = frozenset({4, 6})
REFUSES = frozenset({1, 2, 10})
"""Why a message failed: the person deleted their account or us, or does not want any."""


class Reception:
    """The intake's receiver."""

    def __init__(
        self,
        *,
        store: Store,
        people: FollowerStore,
        sender: CustomerMessages,
        api: KfApi,
        metrics: Metrics,
        data_dir: Path,
        timing: Timing,
    ) -> None:
        self._store = store
        self._people = people
        self._sender = sender
        self._api = api
        self._metrics = metrics
        self._folder = data_dir.absolute() / "inbox" / CHANNEL
        self._timing = timing
        self._answerer: Answerer | None = None
        self.intake = Intake[Event](
            store=store, channel=CHANNEL, receiver=self, folder=data_dir.absolute() / "intake", timing=timing
        )

    async def start(self, answerer: Answerer) -> None:
        self._answerer = answerer
        await self.intake.start(answerer)

    async def put(self, event: Event) -> None:
        arrival = Arrival(key=event.key, line=event.openid, value=event)
        if await self.intake.put(arrival, event.model_dump_json()) and event.is_message:
            self._metrics.message(CHANNEL)

    # --- the intake's receiver

    async def read(self, key: str, payload: str) -> Arrival[Event]:
        event = Event.model_validate_json(payload)
        return Arrival(key=key, line=event.openid, value=event)

    async def handle(self, arrivals: tuple[Arrival[Event], ...]) -> Outcome:
        event = arrivals[0].value
        if not event.is_message:
            await self._event(event)
            return Outcome.DONE
        if await self._store.value(SERVED, event.openid) is not None and await self._served(event):
            return Outcome.DONE
        await self._people.opened(event.openid, "message", event.key)
        if event.tapped == PERSON or event.text.strip() in _labels_of_person():
            return await self._hand_over(event)
        return await self._message(event)

    async def give_up(self, arrivals: tuple[Arrival[Event], ...]) -> None:
        event = arrivals[0].value
        if event.is_message:
            await self._say(event, (internal_error(await self._as_message(event, ())),))

    async def _event(self, event: Event) -> None:
        if event.sort == "enter" and event.code:
            await self._welcome(event)
        elif event.sort == "served":
            await self._store.set_value(SERVED, event.openid, "1", owner=event.chat.owner)
        elif event.sort == "ended":
            await self._store.drop_value(SERVED, event.openid)
        elif event.sort == "failed":
            log.warning("a message did not arrive: fail_type=%s", event.failed)
            if event.failed in OVER_LIMIT:
                await self._people.change(event.openid, Follower.exhausted)
                await self._sender.lost(event.chat, event.about)
            elif event.failed in REFUSES:
                await self._people.lose(event.openid)

    async def _served(self, event: Event) -> bool:
        """Whether a human agent still answers: the platform's word, as the event that it is over may be lost."""
        try:
            served = await self._api.state(event.openid) in (QUEUED, BY_A_PERSON)
        except WeChatError as error:
            log.info("the state of a session could not be had: %s", error)
            return True
        if not served:
            await self._store.drop_value(SERVED, event.openid)
        return served

    # --- messages

    async def _message(self, event: Event) -> Outcome:
        if event.sort == "unsupported":
            return await self._say(event, (await self._own(event, "wechat.unsupported"),))
        photos: tuple[IncomingPhoto, ...] = ()
        try:
            if event.sort == "photo":
                photo = await self._photo(event)
                if photo is None:
                    return await self._say(event, (await self._own(event, "wechat.photo_lost"),))
                photos = (photo,)
            replies = await self.intake.replies(await self._as_message(event, photos))
            said = await self._say(event, replies.outgoing)
            return replies.outcome if said is Outcome.DONE else said
        finally:
            await in_file_thread(delete_quietly, [photo.path for photo in photos])

    async def _as_message(self, event: Event, photos: Sequence[IncomingPhoto]) -> Message:
        choice: str | None = event.tapped or None
        if choice is None and event.text and self._answerer is not None:
            offered = (await self._people.read(event.openid)).offered
            choice = self._answerer.picked(event.text, offered)
        return Message(
            key=f"{CHANNEL}:{event.key}",
            chat=event.chat,
            text="" if choice else event.text,
            choice=choice,
            photos=tuple(photos),
            language_hint=await self._language(event),
        )

    async def _language(self, event: Event) -> Language:
        known = (await self._store.session(event.chat)).language or "zh"
        if event.text and not event.tapped and self._answerer is not None:
            return self._answerer.language(event.text, known)
        return known

    async def _photo(self, event: Event) -> IncomingPhoto | None:
        """None if it is not available."""
        key = f"{CHANNEL}:{event.key}"
        name = hashlib.sha256(key.encode()).hexdigest()[:40]
        for pause in (*PAUSES, None):
            try:
                data = await self._api.media(event.media_id)
            except WeChatError as error:
                log.warning("a photo could not be downloaded: %s", error)
            else:
                return IncomingPhoto(key=key, path=await in_file_thread(write_file, data, into=self._folder, name=name))
            if pause is not None:
                await self._timing.sleep(pause)
        return None

    # --- what is answered

    async def _own(self, event: Event, key: str) -> Outgoing:
        language = await self._language(event)
        return Outgoing(id=f"{CHANNEL}:{event.key}:{key}", kind=Kind.TEXT, text=words(language, key), language=language)

    async def _say(self, event: Event, outgoing: tuple[Outgoing, ...]) -> Outcome:
        """First what waited for this message, then all replies as one message, with the newest choices."""
        waited = await self._waited(event)
        texts = [*waited, *(o.text for o in outgoing if o.text and o.kind is not Kind.STATUS)]
        if texts:
            choices = next((c for o in reversed(outgoing) if (c := shown_choices(o.choices))), ())
            joined = Outgoing(
                id=f"{CHANNEL}:{event.key}:answer",
                kind=Kind.CHOICES if choices else Kind.TEXT,
                text="\n\n".join(dict.fromkeys(texts)),
                choices=choices,
                language=outgoing[-1].language if outgoing else "zh",
            )
            try:
                await self._sender.say(event.chat, joined)
            except DeliveryLater:
                return Outcome.LATER
            except DeliveryError as error:
                log.info("an answer was not taken: %s", error.code)
        await self._sender.flush(event.openid)
        return Outcome.DONE

    async def _waited(self, event: Event) -> list[str]:
        """Text that was held until the person writes; it no longer is."""
        found: list[str] = []

        def take(person: Follower) -> Follower:
            found[:] = [held.text for held in person.held if held.text and not held.page]
            return person.model_copy(update={"held": tuple(h for h in person.held if h.page)})

        await self._people.change(event.openid, take)
        return found

    # --- coming and going

    async def _welcome(self, event: Event) -> None:
        language = await self._language(event)
        if leads_somewhere(event.scene):
            await self._greet(event, await self._wished(event, language))
            return
        rows = (
            Choice(id="groups", label=words(language, "wecom_kf.styles")),
            Choice(id=PERSON, label=words(language, "wecom_kf.person")),
        )
        menu = {
            "head_content": words(language, "wecom_kf.welcome"),
            "list": [{"id": choice.id, "content": choice.label} for choice in rows],
            "tail_content": words(language, "wecom_kf.person_hint"),
        }
        await self._greet(event, {"msgtype": "msgmenu", "msgmenu": menu})

    async def _wished(self, event: Event, language: Language) -> dict[str, Any]:
        """The greeting of somebody whose link or code names a style or an edit: what it leads to is said with it."""
        came = Message(key=f"{CHANNEL}:{event.key}", chat=event.chat, came_by=event.scene, language_hint=language)
        replies = await self.intake.replies(came)
        said = (words(language, "wecom_kf.welcome"), *(one.text for one in replies.outgoing))
        return {"msgtype": "text", "text": {"content": "\n\n".join(said)}}

    async def _greet(self, event: Event, message: dict[str, Any]) -> None:
        try:
            await self._api.welcome(event.code, message)
        except WeChatError as error:  # its twenty seconds are over, or it was used: the first answer will do
            log.info("a welcome was not taken: %s", error)

    async def _hand_over(self, event: Event) -> Outcome:
        """Said before it is done: afterwards nothing can be sent."""
        said = await self._say(event, (await self._own(event, "wecom_kf.handed_over"),))
        if said is not Outcome.DONE:
            return said
        try:
            await self._api.hand_over(event.openid)
        except WeChatError as error:
            log.warning("nobody of the company can take a conversation: %s", error)
            return await self._say(event, (await self._own(event, "wecom_kf.nobody"),))
        await self._store.set_value(SERVED, event.openid, "1", owner=event.chat.owner)
        return Outcome.DONE


def _labels_of_person() -> frozenset[str]:
    """The choice typed instead of tapped."""
    return frozenset(words(language, "wecom_kf.person") for language in ("zh", "en"))
