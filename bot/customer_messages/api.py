"""The half-dozen endpoints of the platform, over httpx, with what each failure means for the next step.

    WeChatError                 the platform said no; `errcode` is its number
    ├── NotReached              certainly not taken: no connection, or the platform says it is busy
    └── Unclear                 the answer was lost: it may have been taken

An expired or foreign token is fetched anew once, and the call repeated, before anything is raised.
Source of the codes: the platform's list of global return codes.
"""

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

from bot.customer_messages.tokens import Tokens
from providers.codes import Code
from providers.errors import LikenessError
from providers.net.outcome import UNSENT

log = logging.getLogger(__name__)

TOKEN_CODES = frozenset({40001, 40014, 41001, 42001})
"""The token is not (or no longer) the present one."""
BUSY = frozenset({-1, 45011})
"""The platform is busy, or was called too often in this minute: nothing was done."""
OUTSIDE_WINDOW = 45015
BUDGET_USED = 45047
QUOTA_USED = 45009
UNAUTHORISED = 48001
BAD_MEDIA = frozenset({40007, 40118})
NO_FOLLOWER = frozenset({40003, 43004, 43019})
"""Not a follower, or one who has blocked the account."""
KIND_REFUSED = frozenset({40008, 40200})
"""This account may not send this kind of message."""
OPERATOR = {
    40013: "WECHAT_APP_ID is not an account's id",
    40125: "WECHAT_APP_SECRET is wrong",
    40164: "this machine's address is not on the account's IP white-list",
    40243: "the account's AppSecret is frozen",
    40001: "WECHAT_APP_SECRET is wrong, or somebody else renews the account's token",
    45009: "the account's daily quota for this call is used up",
    48001: "the account has no right to this call",
    50002: "the account is restricted",
}
"""What only the operator can fix."""

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
UPLOAD_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
AT_ONCE = 24
"""Concurrent calls; the others wait here, not in the connection pool, which searches through all for each."""
MAX_PHOTO = 20 * 1024 * 1024


class WeChatError(LikenessError):
    code: Code = "wechat"

    def __init__(self, errcode: int | None = None, hint: str = "") -> None:
        self.errcode = errcode
        super().__init__(hint or OPERATOR.get(errcode or 0, "") or f"errcode {errcode}")


class NotReached(WeChatError):
    code: Code = "wechat_away"


class Unclear(WeChatError):
    code: Code = "wechat_unclear"


class WeChatApi:
    """One per process. `root`: the address under which `/cgi-bin/…` lies."""

    menu_most = 100
    """Rows of a menu to tap; more choices are a numbered list."""

    def __init__(self, *, client: httpx.AsyncClient, root: str, tokens: Tokens) -> None:
        self._client = client
        self._root = root.rstrip("/")
        self._tokens = tokens
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._going: set[asyncio.Task[Any] | None] = set()
        self._ending = False
        self._quiet = asyncio.Event()

    async def known_to_platform(self) -> None:
        """Raises WeChatError if the platform gives this account no token."""
        await self._tokens.token()

    async def send(self, openid: str, message: Mapping[str, Any], *, name: str = "") -> None:
        """A customer message. The grey line that says "made by AI" goes with each: what we send is. `name`: ours for
        it, where the platform takes one; empty for none."""
        body = {"touser": openid, **message, "aimsgcontext": {"is_ai_msg": 1}}
        await self._json("message/custom/send", body)

    async def typing(self, openid: str) -> None:
        await self._json("message/custom/typing", {"touser": openid, "command": "Typing"})

    async def create_menu(self, menu: Mapping[str, Any]) -> None:
        await self._json("menu/create", menu)

    async def upload(self, name: str, jpeg: bytes, *, permanent: bool = False) -> str:
        """A picture's media id, valid for three days unless `permanent`. The JPEG must be below 2 MB."""
        path = "material/add_material" if permanent else "media/upload"
        # Bytes, not a file: a repeat with a new token must not start at its end.
        files = {"media": (name, jpeg, "image/jpeg")}
        answer = await self._call(path, params={"type": "image"}, files=files, timeout=UPLOAD_TIMEOUT)
        media_id = _read(answer).get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise Unclear(hint="an upload without a media id")
        return media_id

    async def delete_material(self, media_id: str) -> None:
        await self._json("material/del_material", {"media_id": media_id})

    async def media(self, media_id: str) -> bytes:
        """A photo that a person sent. Errors come as JSON with HTTP 200."""
        answer = await self._call("media/get", params={"media_id": media_id}, get=True, timeout=UPLOAD_TIMEOUT)
        kind = answer.headers.get("content-type", "")
        if "json" in kind or kind.startswith("text/"):
            _read(answer)
            raise WeChatError(hint="media/get gave no picture")
        if len(answer.content) > MAX_PHOTO:
            raise WeChatError(hint="the photo is too large")
        return answer.content

    async def _json(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        # Real characters: `\\u` escapes are refused (40033) or shown as they are.
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        return _read(await self._call(path, content=content))

    async def _call(self, path: str, *, params: Mapping[str, str] | None = None, **request: Any) -> httpx.Response:
        """One call; once more with a new token if the platform asks for that."""
        token = await self._tokens.token()
        answer = await self._once(path, token, params, **request)
        if _code(answer) not in TOKEN_CODES:
            return answer
        refused, token = token, await self._tokens.renewed(token)
        answer = await self._once(path, token, params, **request)
        if _code(answer) in TOKEN_CODES and token == refused:
            # The platform gives out a token that it refuses: only a forced one can be different.
            token = await self._tokens.renewed(refused, force=True)
            if token != refused:
                answer = await self._once(path, token, params, **request)
        return answer

    async def _once(
        self, path: str, token: str, params: Mapping[str, str] | None, *, get: bool = False, **request: Any
    ) -> httpx.Response:
        request.setdefault("timeout", TIMEOUT)
        if "content" in request:
            request["headers"] = {"content-type": "application/json; charset=utf-8"}
        address = f"{self._root}/cgi-bin/{path}"
        query = {"access_token": token, **(params or {})}
        async with self._turns:
            if self._ending:
                raise NotReached(hint="this process is ending")
            call = asyncio.current_task()
            self._going.add(call)
            try:
                return await post(self._client, address, "GET" if get else "POST", params=query, **request)
            finally:
                self._going.discard(call)
                if not self._going:
                    self._quiet.set()

    @property
    def ending(self) -> bool:
        """Whether no more calls are begun."""
        return self._ending

    async def end(self, seconds: float) -> None:
        """Begin no more calls; those in flight get so long for their answers: an unread answer is an unknown outcome.
        Then they are cancelled."""
        self._ending = True
        self._quiet.clear()
        if self._going:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._quiet.wait()
        for call in self._going:
            if call is not None:
                call.cancel()


async def post(client: httpx.AsyncClient, address: str, method: str = "POST", **request: Any) -> httpx.Response:
    """One HTTP call. Raises NotReached, Unclear; no error carries the address, which holds the token."""
    if client.is_closed:
        raise NotReached(hint="this process is ending")
    try:
        answer = await client.request(method, address, **request)
    except UNSENT:
        raise NotReached(hint="the platform cannot be reached") from None
    except httpx.HTTPError:
        raise Unclear(hint="the platform's answer was lost") from None
    if answer.status_code in (429, 503):
        raise NotReached(hint=f"HTTP {answer.status_code}")
    if 400 <= answer.status_code < 500 and answer.status_code != 408:
        raise WeChatError(hint=f"HTTP {answer.status_code}")
    if answer.status_code != 200:
        raise Unclear(hint=f"HTTP {answer.status_code}")
    return answer


def _code(answer: httpx.Response) -> int:
    """`errcode`, 0 if there is none; a picture has none."""
    if answer.content[:1] != b"{":
        return 0
    try:
        code = json.loads(answer.content).get("errcode", 0)
    except (ValueError, AttributeError):
        return 0
    return code if isinstance(code, int) else 0


def _read(answer: httpx.Response) -> dict[str, Any]:
    return read_answer(answer.content)


def read_answer(content: bytes) -> dict[str, Any]:
    """The JSON of an answer. Raises WeChatError for an `errcode`, Unclear for anything but JSON."""
    try:
        said = json.loads(content)
        code = said.get("errcode", 0)
    except (ValueError, AttributeError):
        raise Unclear(hint="the platform's answer is not JSON") from None
    if code in BUSY:
        raise NotReached(code, "the platform is busy")
    if code:
        # The platform's support asks for the `rid`; the message text changes and may hold anything else.
        rid = re.search(r"rid: ([0-9a-f-]{8,40})", str(said.get("errmsg", "")))
        log.info("the platform said no: errcode=%s rid=%s", code, rid[1] if rid else "-")
        raise WeChatError(code)
    return dict(said)
