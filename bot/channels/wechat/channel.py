"""`WeChatChannel`: the account as one of the bot's channels, put together from this package's parts."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr
from starlette.routing import Route

from bot.channels.arrivals import Timing
from bot.channels.deliveries import counted
from bot.channels.intake import Intake
from bot.channels.wechat.account_rights import AccountRights
from bot.channels.wechat.answering import Answering
from bot.channels.wechat.callback import Callback
from bot.channels.wechat.crypto import Envelope
from bot.channels.wechat.deadlines import Deadlines
from bot.channels.wechat.incoming import Incoming, Work
from bot.channels.wechat.photos import Photos
from bot.channels.wechat.promises import Promises
from bot.channels.wechat.replay_guard import ReplayGuard
from bot.customer_messages.api import WeChatApi, WeChatError, post, read_answer
from bot.customer_messages.follower_store import FollowerStore
from bot.customer_messages.media import MediaCache
from bot.customer_messages.sender import CustomerMessages, safely
from bot.customer_messages.tokens import Tokens, sealing
from bot.metrics import Metrics
from bot.result_pages.pages import Pages
from bot.result_pages.routes import ResultPages
from handlers.channel import Answerer, Delivered, Finding, Health
from handlers.foreground import ForegroundGate
from handlers.message import Chat, IncomingPhoto, Message, Outgoing
from handlers.store.base import Store
from providers.net import direct

log = logging.getLogger(__name__)

STOP_SECONDS = 3.0
SWEEP_SECONDS = 900.0
_SETTING = re.compile(r"[A-Z]{2,}_[A-Z_]+")


class WeChatChannel:
    """Implements `handlers.channel.Channel`. A process that does not listen (a worker) only says and delivers.

    `calm`: the process's, shared with its other work. `secret`: the installation's, for page addresses. `keys`: the
    EncodingAESKey, then the one before a change. Raises ValueError for an invalid key.
    """

    name = "wechat"
    repeatable = True
    """The ledger knows which messages of a result were sent, or may have been: none is sent twice."""

    def __init__(
        self,
        *,
        store: Store,
        metrics: Metrics,
        data_dir: Path,
        secret: bytes,
        app_id: str,
        app_secret: SecretStr,
        token: SecretStr,
        keys: Sequence[SecretStr] = (),
        api_url: str = "https://api.weixin.qq.com",
        public_url: str | None = None,
        calm: ForegroundGate | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        timing: Timing | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        self._deadlines = deadlines = deadlines or Deadlines()
        self._metrics = metrics
        self._app_id, self._app_secret, self._root = app_id, app_secret, api_url.rstrip("/")
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=24)
        self._client = httpx.AsyncClient(transport=direct(limits=limits), limits=limits)
        seal = sealing(app_secret.get_secret_value())
        tokens = Tokens(store=store, app_id=app_id, fetch=self._fetch_token, seal=seal, clock=clock, sleep=sleep)
        self.api = WeChatApi(client=self._client, root=self._root, tokens=tokens)
        self.rights = AccountRights(store=store, app_id=app_id, api=self.api, clock=clock, sleep=sleep)
        people = FollowerStore(store, clock=clock)
        pages = Pages(store=store, clock=clock, secret=secret, account=app_id, public_url=public_url)
        media = MediaCache(api=self.api, rights=self.rights, pages=pages)
        calm = calm or ForegroundGate()
        self._photos = Photos(
            api=self.api,
            folder=data_dir.absolute() / "inbox" / "wechat",
            trusted=_origin(api_url),
            calm=calm,
            sleep=sleep,
        )
        self._sender = CustomerMessages(
            store=store, people=people, api=self.api, rights=self.rights, pages=pages, media=media
        )
        self._store = store
        self._incoming = Incoming(
            store=store,
            people=people,
            sender=self._sender,
            photos=self._photos,
            foreground=calm,
            folder=data_dir.absolute() / "intake",
            timing=timing or Timing(stop=STOP_SECONDS, sleep=sleep),
            deadlines=deadlines,
        )
        self._answering = Answering(
            people=people,
            rights=self.rights,
            sender=self._sender,
            pages=pages,
            media=media,
            incoming=self._incoming,
            promises=Promises(
                data_dir.absolute() / "inbox" / "wechat" / "promised", owner=self.intake.owner, lives=self.intake.lives
            ),
            metrics=metrics,
            deadlines=deadlines,
        )
        envelope = Envelope(
            token=token.get_secret_value(), app_id=app_id, keys=tuple(k.get_secret_value() for k in keys)
        )
        self._nonces = ReplayGuard(store, clock, seconds=deadlines.nonce)
        self._callback = Callback(
            envelope=envelope,
            answering=self._answering,
            nonces=self._nonces,
            clock=clock,
            body_seconds=deadlines.body,
        )
        self._result_pages = ResultPages(pages)
        self._people, self._pages, self._media, self._sleep = people, pages, media, sleep
        self._background: list[asyncio.Task[None]] = []

    async def _fetch_token(self, force: bool) -> dict[str, object]:
        body: dict[str, object] = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._app_secret.get_secret_value(),
        }
        if force:
            body["force_refresh"] = True
        answer = await post(self._client, f"{self._root}/cgi-bin/stable_token", json=body)
        said = read_answer(answer.content)
        if not isinstance(said.get("access_token"), str) or not isinstance(said.get("expires_in"), int):
            raise WeChatError(hint="stable_token gave no token")
        return said

    # --- lifecycle

    def routes(self) -> Sequence[Any]:
        return [
            Route("/wechat", self._callback.push, methods=["POST"]),
            Route("/wechat", self._callback.verify, methods=["GET"]),
            *self._result_pages.routes(),
        ]

    async def start(self, answerer: Answerer) -> None:
        """Take pushes from now on. The platform need not be reachable: it is asked for the rights until it answers."""
        self._background = [
            asyncio.create_task(self.rights.keep_asking(), name="wechat rights"),
            asyncio.create_task(self._keep_sweeping(), name="wechat sweeping"),
        ]
        await _rehearse(answerer)
        await self.rights.settled(self._deadlines.rights)
        await self._answering.start(answerer)

    async def stop(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.intake.stop()
        await self._photos.aclose()
        await self.api.end(self._deadlines.last)
        await self._client.aclose()

    @property
    def intake(self) -> Intake[Work]:
        return self._incoming.intake

    async def idle(self) -> None:
        """Wait until everything taken so far is finished."""
        await self._answering.idle()

    async def _keep_sweeping(self) -> None:
        while True:
            await self._sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except Exception as error:
                log.warning("housekeeping failed and will be retried: %s", type(error).__name__)

    async def sweep(self) -> None:
        """Delete what has expired: signatures outside the window and pages after their week, material no page shows."""
        await self._nonces.sweep()
        await self._media.sweep()

    async def health(self, *, ask: bool = False) -> Health:
        return Health(listening=self._answering.running, findings=await self._findings() if ask else ())

    async def _findings(self) -> tuple[Finding, ...]:
        """Token, rights, and what is left of the inbox; what the account may do, in a line."""
        try:
            rights = await self.rights.ask()
        except WeChatError as error:
            hint = error.hint or error.code
            how = "" if _SETTING.search(hint) else "; look at WECHAT_API_URL and the network"
            return (Finding(verdict="broken", message=f"{hint}{how}"),)
        found = [Finding(verdict="ok", message=rights.told())]
        if failed := await self._store.failed_inbox(self.name):
            message = f"{failed} messages could not be handled; the log names the errors"
            found.append(Finding(verdict="warning", message=message))
        return tuple(found)

    async def forget(self, chat: Chat) -> None:
        await self._people.forget(chat.person)

    # --- sending

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        await safely(self._sender.say(chat, outgoing))

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        return await safely(self._sender.reserve(chat, outgoing))

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        delivering = safely(self._sender.deliver(chat, outgoing, place))
        return await counted(delivering, metrics=self._metrics, channel=self.name)


async def _rehearse(answerer: Answerer) -> None:
    """Answer the typical first messages once for nobody: catalogs, quotes and statements are loaded before the first
    person writes."""
    nobody = Chat(channel="wechat", chat="nobody", person="nobody")
    photo = IncomingPhoto(key="wechat:nobody:1", path=Path("nobody"))
    came = Message(key="wechat:nobody:1", chat=nobody, photos=(photo,), language_hint="zh")
    wish = Message(key="wechat:nobody:2", chat=nobody, text="动漫风格", language_hint="zh")
    try:
        for messages in ((came,), (came, wish)):
            await answerer.foresee(messages)
    except Exception as error:  # the database is away: the first people wait a little longer
        log.warning("warming up a first answer failed: %s", type(error).__name__)


def _origin(url: str) -> frozenset[tuple[str, int]]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return frozenset({(parts.hostname, port)}) if parts.hostname else frozenset()
