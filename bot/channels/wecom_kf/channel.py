"""`WeComKfChannel`: WeCom customer service as one of the bot's channels, put together from this package's parts."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bot.channels.arrivals import Timing
from bot.channels.deliveries import counted
from bot.channels.intake import Intake
from bot.channels.signed_posts import Sealed
from bot.channels.wecom_kf.api import KfApi
from bot.channels.wecom_kf.callback import Callback
from bot.channels.wecom_kf.events import CHANNEL, Event
from bot.channels.wecom_kf.puller import Puller
from bot.channels.wecom_kf.reception import SERVED, Reception
from bot.channels.wecom_kf.settings import WeComKfSettings
from bot.customer_messages.api import BAD_MEDIA, WeChatError, post, read_answer
from bot.customer_messages.follower_store import FollowerStore
from bot.customer_messages.media import MediaCache
from bot.customer_messages.rights import Right, Rights
from bot.customer_messages.sender import CustomerMessages, safely
from bot.customer_messages.tokens import Tokens, sealing
from bot.metrics import Metrics
from bot.result_pages.pages import Pages
from bot.result_pages.routes import ResultPages
from handlers.channel import Answerer, Delivered, Finding, Health
from handlers.message import Chat, Outgoing
from handlers.store.base import Store
from providers.net import direct

log = logging.getLogger(__name__)

STOP_SECONDS = 2.0
LAST_SECONDS = 1.0
"""How long a stop waits for the platform's answers to what was just sent."""
UNTRUSTED_ADDRESS = 60020
_SETTING = re.compile(r"[A-Z]{2,}_[A-Z_]+")
_MEANT = {"WECHAT_APP_ID": "WECOM_KF_CORP_ID", "WECHAT_APP_SECRET": "WECOM_KF_SECRET"}


class AllRights:
    """Every account of this kind may send, upload and show menus; a refused call is retried."""

    async def now(self) -> Rights:
        return Rights()

    async def lost(self, right: Right) -> None:
        log.warning("the account was refused its %s messages; look at 可调用接口的应用 in the admin console", right)

    async def only_permanent(self) -> None:
        log.warning("the account was refused an upload; look at 可调用接口的应用 in the admin console")


class WeComKfChannel:
    """Implements `handlers.channel.Channel`. A process that does not listen (a worker) only says and delivers.

    Raises ValueError for incomplete settings.
    """

    name = CHANNEL
    repeatable = True
    """The ledger knows which messages of a result were sent, or may have been: none is sent twice."""

    def __init__(
        self,
        *,
        settings: WeComKfSettings,
        store: Store,
        metrics: Metrics,
        data_dir: Path,
        secret: bytes,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        timing: Timing | None = None,
    ) -> None:
        corp, own, token, key = (
            settings.wecom_kf_corp_id,
            settings.wecom_kf_secret,
            settings.wecom_kf_token,
            settings.wecom_kf_aes_key,
        )
        if corp is None or own is None or token is None or key is None:
            raise ValueError(f"{settings.turned_on_by} belong together")
        self._store = store
        self._metrics = metrics
        self._corp, self._secret = corp, own
        self._root = settings.wecom_kf_api_url.rstrip("/")
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=16)
        self._client = httpx.AsyncClient(transport=direct(limits=limits), limits=limits)
        tokens = Tokens(
            store=store,
            app_id=f"{CHANNEL}:{corp}",
            fetch=self._fetch_token,
            seal=sealing(own.get_secret_value()),
            clock=clock,
            sleep=sleep,
        )
        self.api = KfApi(client=self._client, root=self._root, tokens=tokens)
        rights = AllRights()
        self._people = FollowerStore(store, clock=clock, channel=CHANNEL)
        pages = Pages(store=store, clock=clock, secret=secret, account=CHANNEL, public_url=settings.public_url)
        self._result_pages = ResultPages(pages)
        media = MediaCache(api=self.api, rights=rights, pages=pages)
        self._sender = CustomerMessages(
            store=store, people=self._people, api=self.api, rights=rights, pages=pages, media=media
        )
        self._reception = Reception(
            store=store,
            people=self._people,
            sender=self._sender,
            api=self.api,
            metrics=metrics,
            data_dir=data_dir,
            timing=timing or Timing(stop=STOP_SECONDS, sleep=sleep),
        )
        self._puller = Puller(
            store=store,
            api=self.api,
            put=self._reception.put,
            now=lambda: clock().timestamp(),
            sleep=sleep,
        )
        envelope = Sealed(token=token.get_secret_value(), aes_key=key.get_secret_value(), receiver=corp)
        self._callback = Callback(envelope=envelope, something=self._something, running=lambda: self.intake.running)

    async def _fetch_token(self, force: bool) -> dict[str, object]:
        """The platform gives the same token until it expires; it cannot be forced."""
        query = {"corpid": self._corp, "corpsecret": self._secret.get_secret_value()}
        answer = await post(self._client, f"{self._root}/cgi-bin/gettoken", "GET", params=query)
        said = read_answer(answer.content)
        if not isinstance(said.get("access_token"), str) or not isinstance(said.get("expires_in"), int):
            raise WeChatError(hint="gettoken gave no token")
        return said

    # --- lifecycle

    async def start(self, answerer: Answerer) -> None:
        await self._reception.start(answerer)
        for account in await self._puller.accounts():  # what came while no process was running
            await self._something(account, "")

    async def stop(self) -> None:
        await self.intake.stop()
        await self.api.end(LAST_SECONDS)
        await self._client.aclose()

    def routes(self) -> Sequence[Any]:
        return [*self._callback.routes(), *self._result_pages.routes()]

    @property
    def intake(self) -> Intake[Event]:
        return self._reception.intake

    async def idle(self) -> None:
        """Wait until everything pulled so far has been handled."""
        await self.intake.idle()

    async def _something(self, account: str, token: str) -> None:
        """Pulled in parallel with the answer: the cursor says where to continue, whatever happens to this process."""
        self.intake.soon(self._puller.pull(account, token))

    async def health(self, *, ask: bool = False) -> Health:
        return Health(listening=self.intake.running, findings=await self._findings() if ask else ())

    async def _findings(self) -> tuple[Finding, ...]:
        try:
            await self.api.known_to_platform()
            await self._may_call()
        except WeChatError as error:
            hint = error.hint or error.code
            for theirs, ours in _MEANT.items():
                hint = hint.replace(theirs, ours)
            how = "" if _SETTING.search(hint) or "企业可信IP" in hint else "; look at WECOM_KF_API_URL and the network"
            return (Finding(verdict="broken", message=f"{hint}{how}"),)
        found = [Finding(verdict="ok", message="the platform knows the company and the secret")]
        if not await self._puller.accounts():
            message = "nobody has written yet; the callback is verified by 保存 in the console while this runs"
            found.append(Finding(verdict="warning", message=message))
        if failed := await self._store.failed_inbox(self.name):
            message = f"{failed} messages could not be handled; the log names the errors"
            found.append(Finding(verdict="warning", message=message))
        return tuple(found)

    async def _may_call(self) -> None:
        """A call that does nothing: it is refused before it looks for the medium if this machine may not call.

        Raises WeChatError.
        """
        try:
            await self.api.media("no-such-media")
        except WeChatError as error:
            if error.errcode == UNTRUSTED_ADDRESS:
                raise WeChatError(
                    hint="this machine's address is not on the app's trusted IP list (企业可信IP)"
                ) from None
            if error.errcode not in BAD_MEDIA:
                raise

    async def forget(self, chat: Chat) -> None:
        await self._people.forget(chat.person)
        await self._store.drop_value(SERVED, chat.person)

    # --- sending

    async def say(self, chat: Chat, outgoing: Outgoing) -> None:
        await safely(self._sender.say(chat, outgoing))

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        return await safely(self._sender.reserve(chat, outgoing))

    async def deliver(self, chat: Chat, outgoing: Outgoing, place: str) -> Delivered:
        delivering = safely(self._sender.deliver(chat, outgoing, place))
        return await counted(delivering, metrics=self._metrics, channel=self.name)
