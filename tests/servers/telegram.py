"""A fake Bot API server: the real protocol over HTTP, its limits enforced, all remembered (long: one machine).

In a test:  with FakeTelegram.serving() as telegram: ann = telegram.person(1001, "Ann"); ann.says("hello"); …

What the bot does goes through `/bot<token>/METHOD` and `/file/bot<token>/PATH`; what people do goes through `Person`.
`faults` bend the next calls: a `Fault` is used once, for one method, before or after the call took effect.

This module is longer than others because it is one machine: methods, limits and faults of one protocol side by side.
"""

import asyncio
import contextlib
import io
import itertools
import json
import socket
import struct
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from PIL import Image
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from telegram.constants import ReactionEmoji

from tests.leaks import said
from tests.servers.serving import serving
from tests.waiting import LONG

TOKEN = "42:a-token-of-tests"
BOT = {"id": 42, "is_bot": True, "first_name": "Likeness", "username": "LikenessBot"}
MB = 1 << 20
Json = dict[str, Any]


class Refused(Exception):
    """An error answer, as the real server words it."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.parameters = parameters


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong once. `what`: `429` (with `retry_after`), an HTTP code, `reset`, `hang` (until released),
    `garbage`, `html` (a proxy's 502), or, of a download, `short` (half of it, as if that were all). `says`: the words
    of an error answer. `after`: only once the call has taken effect."""

    method: str
    what: int | str
    after: bool = False
    retry_after: int = 1
    chat: int | None = None
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of the bot. `upload`: bytes of the files in it; `code`: 200, or the error's."""

    method: str
    params: Json
    upload: int
    at: float
    code: int = 200


@dataclass(kw_only=True)
class File:
    id: str
    unique: str
    data: bytes
    kind: str
    width: int = 0
    height: int = 0
    flat: bool = False
    """One colour all over: a placeholder, no picture."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A message of the bot as it stands now."""

    chat: int
    id: int
    text: str
    buttons: tuple[Json, ...]
    file: File | None
    reply_to: int | None
    thread: int | None
    album: str | None
    forced: bool = False
    ephemeral: int | None = None
    """The number of one that a single person sees; `id` is 0 then."""

    @property
    def is_picture(self) -> bool:
        return self.file is not None and not self.file.flat

    def button(self, name: str) -> str:
        """The callback data of the button whose label or id begins with `name`."""
        pressed = [b for b in self.buttons if "callback_data" in b]
        return next(
            str(b["callback_data"]) for b in pressed if b["text"] == name or b["callback_data"].startswith(name)
        )


@dataclass
class Person:
    """Somebody who writes to the bot."""

    telegram: "FakeTelegram"
    id: int
    name: str
    language: str | None = "en"

    def user(self) -> Json:
        user: Json = {"id": self.id, "is_bot": False, "first_name": self.name}
        if self.language:
            user["language_code"] = self.language
        return user

    def says(self, text: str, chat: int | None = None, **more: Any) -> int:
        return self.sends(chat, text=text, **more)

    def photographs(self, caption: str = "", chat: int | None = None, *, data: bytes | None = None, **more: Any) -> int:
        content = self.telegram.photo_content(data or jpeg())
        return self.sends(chat, **(content | ({"caption": caption} if caption else {}) | more))

    def sends_file(
        self,
        data: bytes,
        caption: str = "",
        chat: int | None = None,
        *,
        name: str = "photo.jpg",
        mime: str | None = "image/jpeg",
        size: int | None = None,
    ) -> int:
        file = self.telegram.keep(data, "document")
        document: Json = {"file_id": file.id, "file_unique_id": file.unique, "file_name": name}
        document |= {"file_size": size or len(data)} | ({"mime_type": mime} if mime else {})
        return self.sends(chat, document=document, **({"caption": caption} if caption else {}))

    def sends_album(
        self,
        count: int,
        caption: str = "",
        chat: int | None = None,
        *,
        caption_on: int = 0,
        order: tuple[int, ...] | None = None,
        hold: tuple[int, ...] = (),
        **more: Any,
    ) -> list[int]:
        """An album; `order`: in which its parts arrive; `hold`: parts that are kept back until `release_held`."""
        group = f"album-{self.telegram.next_id()}"
        messages = []
        for n in range(count):
            content = self.telegram.photo_content(jpeg(shade=n * 20 + 10))
            caption_of = {"caption": caption} if caption and n == caption_on else {}
            messages.append(self._message(chat, **({"media_group_id": group} | content | caption_of | more)))
        with self.telegram.at_once():
            for n in order or range(count):
                update = {"message": messages[n]}
                (self.telegram.held.append if n in hold else self.telegram.put)(update)
        return [message["message_id"] for message in messages]

    def sends(self, chat: int | None = None, /, **content: Any) -> int:
        message = self._message(chat, **content)
        self.telegram.put({"message": message})
        return int(message["message_id"])

    def edits(self, message_id: int, chat: int | None = None, **content: Any) -> None:
        old = self.telegram.messages[(chat or self.id, message_id)]
        old |= content | {"edit_date": int(time.time())}
        self.telegram.put({"edited_message": old})

    def commands(self, text: str, chat: int) -> None:
        """Send a command that is declared ephemeral: a message that only this person and the bot see."""
        key = "setMyCommands::all_group_chats"
        declared = [one["command"] for one in self.telegram.profile[key]["commands"] if one.get("is_ephemeral")]
        if text.lstrip("/").partition("@")[0].partition(" ")[0] not in declared:
            raise AssertionError(f"{text} is seen by everybody: only {declared} are not")
        message = self._message(chat, text=text)
        del self.telegram.messages[(chat, message["message_id"])]
        number = self.telegram.next_id()
        message |= {"message_id": 0, "ephemeral_message_id": number, "receiver_user": BOT}
        self.telegram.actions[f"c{number}"] = (chat, self.id, self.telegram.now())
        self.telegram.put({"message": message})

    def taps(self, shown: Shown, name: str) -> str:
        """Tap a button, by its label or its id; returns the id of the query."""
        data = shown.button(name)
        query = f"q{self.telegram.next_id()}"
        self.telegram.actions[query] = (shown.chat, self.id, self.telegram.now())
        unseen = self.telegram.ephemerals.get((shown.chat, self.id, shown.ephemeral or 0))
        message = (
            unseen
            or self.telegram.messages.get((shown.chat, shown.id))
            or {
                "chat": self.telegram.chat(shown.chat),
                "message_id": shown.id,
                "date": 0,
            }
        )
        update = {"id": query, "from": self.user(), "chat_instance": "1", "data": data, "message": message}
        self.telegram.put({"callback_query": update})
        return query

    def types_inline(self, words: str = "") -> str:
        """Type the bot's name in some chat; returns the id of the query."""
        query = f"i{self.telegram.next_id()}"
        update = {"id": query, "from": self.user(), "query": words, "offset": "", "chat_type": "group"}
        self.telegram.put({"inline_query": update})
        return query

    def shows_of_herself(self, *photos: bytes) -> None:
        """Set profile photos, the newest first; none: they are gone, or hidden from bots."""
        self.telegram.profile_photos[self.id] = [self.telegram.keep(data, "photo") for data in photos]

    def blocks(self, *, blocked: bool = True) -> None:
        (self.telegram.blocked.add if blocked else self.telegram.blocked.discard)(self.id)
        member = {"user": BOT, "status": "kicked" if blocked else "member"} | ({"until_date": 0} if blocked else {})
        old = {"user": BOT, "status": "member"}
        change = {"chat": self.telegram.chat(self.id), "from": self.user(), "date": int(time.time())}
        self.telegram.put({"my_chat_member": change | {"old_chat_member": old, "new_chat_member": member}})

    def _message(self, chat: int | None, reply_to: int | None = None, thread: int | None = None, **more: Any) -> Json:
        where = chat or self.id
        message: Json = {
            "message_id": self.telegram.next_id(),
            "date": int(time.time()),
            "chat": self.telegram.chat(where),
            "from": self.user(),
            **more,
        }
        for words, entities in (("text", "entities"), ("caption", "caption_entities")):
            if words in message and entities not in message:
                found = entities_of(message[words])
                message |= {entities: found} if found else {}
        if reply_to is not None:
            replied = dict(self.telegram.messages[(where, reply_to)])
            replied.pop("reply_to_message", None)
            message["reply_to_message"] = replied
        if thread is not None:
            message |= {"message_thread_id": thread, "is_topic_message": True}
        self.telegram.messages[(where, message["message_id"])] = message
        return message


def entities_of(text: str) -> list[Json]:
    """Commands and mentions, as the server marks them (offsets in UTF-16 units)."""
    found, at = [], 0
    for word in text.split(" "):
        length = len(word.encode("utf-16-le")) // 2
        if word.startswith("/") and len(word) > 1 and at == 0:
            found.append({"type": "bot_command", "offset": at, "length": length})
        elif word.startswith("@") and len(word) > 1:
            found.append({"type": "mention", "offset": at, "length": length})
        at += length + 1
    return found


def jpeg(width: int = 320, height: int = 240, shade: int = 90) -> bytes:
    """A photo with something in it."""
    image = Image.new("RGB", (width, height), (shade % 256, 120, 160))
    image.paste((240, 220, 200), (width // 4, height // 4, width // 2, height // 2))
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


@dataclass
class FakeTelegram:
    """See the module. `per_chat`, `per_group`, `overall`: messages a second, a minute, a second; None: no limit."""

    per_chat: float | None = None
    per_group: float | None = None
    overall: float | None = None
    edits_text_into_media: bool = True
    """False: a server older than Bot API 10.1."""
    refuses_it_with: str = "there is no media in the message to edit"
    tells_what_is_answered: bool = True
    """False: what the bot sends comes back without the message it answers."""
    now: Callable[[], float] = time.monotonic
    """The clock of its limits, and of what it notes."""
    address: str = ""
    messages: dict[tuple[int, int], Json] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    faults: deque[Fault] = field(default_factory=deque)
    local_files: Path | None = None
    """What every file is, as with `--local`: a path on this machine."""
    held: list[Json] = field(default_factory=list)
    blocked: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    """Chats that exist no more."""
    migrated: dict[int, int] = field(default_factory=dict)
    threads_gone: set[int] = field(default_factory=set)
    threads_closed: set[int] = field(default_factory=set)
    """0 is the general topic."""
    strangers: set[int] = field(default_factory=set)
    """People who never opened a private chat with the bot."""
    admins: set[tuple[int, int]] = field(default_factory=set)
    webhook: Json = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=dict)
    answered: dict[str, Json] = field(default_factory=dict)
    """Callback queries that were answered."""
    pictures_at: dict[tuple[int, int], float] = field(default_factory=dict)
    """When a message first showed a picture."""
    history: dict[tuple[int, int], list[str]] = field(default_factory=lambda: defaultdict(list))
    """What each message of the bot showed one after another: its words, or the content of its file."""
    forced: set[tuple[int, int]] = field(default_factory=set)
    """Messages that open a reply at the person they answer."""
    knows_ephemeral: bool = True
    """False: a server older than Bot API 10.2, which passes over what it does not know."""
    ephemerals: dict[tuple[int, int, int], Json] = field(default_factory=dict)
    """Messages that one person sees: by chat, person, number."""
    actions: dict[str, tuple[int, int, float]] = field(default_factory=dict)
    """What people did that may be answered for their eyes only, by query id, or `c` and the number of a command: in
    which chat, by whom, when."""
    reactions: dict[tuple[int, int], list[str]] = field(default_factory=lambda: defaultdict(list))
    """What the bot reacted with to a message, one after another; "" is taken away again."""
    no_reactions: set[int] = field(default_factory=set)
    """Groups whose owner allows none."""
    profile_photos: dict[int, list[File]] = field(default_factory=dict)
    """What people show of themselves, the newest first; of somebody who hides it there is nothing here."""
    packs: dict[str, Json] = field(default_factory=dict)
    """Sticker packs by name."""
    inline: bool = True
    """Whether inline mode was turned on at BotFather."""
    inline_answers: dict[str, Json] = field(default_factory=dict)
    """Of inline queries, by their ids."""
    polled_for: tuple[str, ...] = ()
    """The kinds of updates that were last asked for."""
    conflict: bool = False
    """Another program polls with this token."""
    down: bool = False

    def __post_init__(self) -> None:
        self._updates: deque[Json] = deque()
        self._ids = 1000
        self._names = itertools.count(1)
        self._update_ids = 500_000
        self._changed = threading.Condition(threading.RLock())
        self._polling = 0
        self._quiet, self._quiet_since = 0.0, time.monotonic()
        self._released = threading.Event()
        self._sent: dict[object, deque[float]] = defaultdict(deque)
        self._measures: dict[str, tuple[int, int, bool]] = {}

    # --- people

    def person(self, person_id: int, name: str = "Ann", language: str | None = "en") -> Person:
        return Person(self, person_id, name, language)

    def chat(self, chat_id: int) -> Json:
        if chat_id > 0:
            return {"id": chat_id, "type": "private", "first_name": "Somebody"}
        kind = "supergroup" if chat_id < -1_000_000_000_000 else "group"
        return {"id": chat_id, "type": kind, "title": "A group"}

    def next_id(self) -> int:
        with self._changed:
            self._ids += 1
            return self._ids

    def put(self, update: Json, *, update_id: int | None = None) -> int:
        """Hand an update to the bot; the same `update_id` again is a repeat."""
        with self._changed:
            if not self._updates:
                self._quiet += time.monotonic() - self._quiet_since
            self._update_ids += update_id is None
            number = update_id or self._update_ids
            self._updates.append({"update_id": number, **json.loads(json.dumps(update))})
            self._changed.notify_all()
            return number

    def quiet(self) -> float:
        """Seconds in which the bot had taken every update there was: a clock that no slow machine lets run ahead of
        what people sent."""
        with self._changed:
            return self._quiet + (0.0 if self._updates else time.monotonic() - self._quiet_since)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What people send in this block reaches the bot together."""
        with self._changed:
            yield

    def repeat(self, update_id: int, update: Json) -> None:
        self.put(update, update_id=update_id)

    def release_held(self) -> None:
        with self.at_once():
            while self.held:
                self.put(self.held.pop(0))

    def release(self) -> None:
        """Let calls that hang go on."""
        self._released.set()

    def hold(self) -> None:
        """From now on, calls that are to hang do so again."""
        self._released.clear()

    def migrate(self, old: int, new: int, *, tell: bool = True) -> None:
        self.migrated[old] = new
        if tell:
            date = int(time.time())
            base = {"from": BOT, "date": date}
            self.put(
                {"message": {"message_id": self.next_id(), "chat": self.chat(old), "migrate_to_chat_id": new} | base}
            )
            self.put({"message": {"message_id": 1, "chat": self.chat(new), "migrate_from_chat_id": old} | base})

    def photo_content(self, data: bytes) -> Json:
        large = self.keep(data, "photo")
        with Image.open(io.BytesIO(data)) as image:
            small = image.convert("RGB")
            small.thumbnail((90, 90))
            out = io.BytesIO()
            small.save(out, "JPEG")
        thumb = self.keep(out.getvalue(), "photo")
        return {"photo": [_size(thumb), _size(large)]}

    def keep(self, data: bytes, kind: str) -> File:
        digest = sha256(data).hexdigest()[:16]
        width, height, flat = self._measures.get(digest) or _measured(data)
        self._measures[digest] = width, height, flat  # decoded once: the same picture goes to many in a bench
        file = File(
            id=f"{kind}-{next(self._names)}-{digest}",
            unique=f"u{digest}",
            data=data,
            kind=kind,
            width=width,
            height=height,
            flat=flat,
        )
        with self._changed:
            self.files[file.id] = file
        return file

    # --- what a test reads

    def shown(self, chat: int) -> list[Shown]:
        """Every message of the bot in this chat as it stands now, oldest first."""
        with self._changed:
            mine = [m for (c, _), m in sorted(self.messages.items()) if c == chat and m["from"]["id"] == BOT["id"]]
            return [self._as_shown(message) for message in mine]

    def shown_to(self, person: int, chat: int) -> list[Shown]:
        """Every message of the bot that this person alone sees in this chat, oldest first."""
        with self._changed:
            mine = [m for (c, p, _), m in self.ephemerals.items() if (c, p) == (chat, person)]
            return [self._as_shown(message) for message in mine]

    def pictures(self, chat: int) -> list[Shown]:
        return [message for message in self.shown(chat) if message.is_picture]

    def words(self, chat: int) -> str:
        return "\n".join(message.text for message in self.shown(chat))

    def of(self, method: str, chat: int | None = None) -> list[Call]:
        with self._changed:
            same = [c for c in self.calls if c.method == method]
        return [c for c in same if chat is None or str(c.params.get("chat_id")) == str(chat)]

    def wait(self, what: Callable[[], Any], seconds: float = LONG) -> Any:
        """Block until `what()` is true; raises AssertionError with what was said where it never is."""
        limit = time.monotonic() + seconds
        with self._changed:
            while not (found := what()):
                if not self._changed.wait(max(0.0, min(0.05, limit - time.monotonic()))) and time.monotonic() > limit:
                    said = [f"{c.method} {c.code}" for c in self.calls[-12:]]
                    raise AssertionError(f"it never came; the last calls: {said}")
            return found

    async def until(self, what: Callable[[], Any], seconds: float = LONG) -> Any:
        return await asyncio.to_thread(self.wait, what, seconds)

    @property
    def unread(self) -> int:
        """Updates that the bot has not confirmed."""
        with self._changed:
            return len(self._updates)

    def _as_shown(self, message: Json) -> Shown:
        markup = message.get("reply_markup", {})
        file_id = message["photo"][-1]["file_id"] if "photo" in message else message.get("document", {}).get("file_id")
        return Shown(
            chat=message["chat"]["id"],
            id=message["message_id"],
            text=message.get("text") or message.get("caption") or "",
            buttons=tuple(b for row in markup.get("inline_keyboard", ()) for b in row),
            file=self.files[file_id] if file_id else None,
            reply_to=message.get("reply_to_message", {}).get("message_id"),
            thread=message.get("message_thread_id"),
            album=message.get("media_group_id"),
            forced=(message["chat"]["id"], message["message_id"]) in self.forced,
            ephemeral=message.get("ephemeral_message_id"),
        )

    # --- HTTP

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/bot{token}/{method}", self._method, methods=["GET", "POST"]),
                Route("/file/bot{rest:path}", self._download),
            ]
        )

    @classmethod
    @contextmanager
    def serving(cls, **settings: Any) -> Iterator["FakeTelegram"]:
        fake = cls(**settings)
        with serving(fake.app()) as address:
            fake.address = address
            try:
                yield fake
            finally:
                fake.down = True
                fake.release()
                with fake._changed:
                    fake._changed.notify_all()

    async def _method(self, request: Request) -> Response:
        method = request.path_params["method"]
        if self.down:
            return _reset(request)
        if unquote(request.path_params["token"]) != TOKEN:
            return _failed(Refused(401, "Unauthorized"))
        params, files = await _read(request)
        fault = self._fault(method, params)
        if fault is not None and not fault.after and (bent := await self._bend(fault, request, method, params, files)):
            return bent
        try:
            if method == "getUpdates":
                result: Any = await self._get_updates(params)
            else:
                with self._changed:
                    result = self._act(method, params, files)
        except Refused as refused:
            self._note(method, params, files, refused.code)
            return _failed(refused)
        if method != "getUpdates":
            self._note(method, params, files, 200)
        if fault is not None and fault.after and (bent := await self._bend(fault, request, method, params, files)):
            return bent
        if isinstance(result, dict) and not self.tells_what_is_answered:
            result = {name: value for name, value in result.items() if name != "reply_to_message"}
        return JSONResponse({"ok": True, "result": result})

    def _fault(self, method: str, params: Json) -> Fault | None:
        with self._changed:
            for fault in self.faults:
                chat = fault.chat is None or str(fault.chat) == str(params.get("chat_id"))
                if fault.method in (method, "*") and chat and method != "getMe":
                    self.faults.remove(fault)
                    return fault
        return None

    async def _bend(
        self, fault: Fault, request: Request, method: str, params: Json, files: Mapping[str, bytes]
    ) -> Response | None:
        if fault.what == "hang":
            self._note(method, params, files, 0)
            while not self._released.is_set():  # noqa: ASYNC110  # a threading.Event, set from the test's own thread
                await asyncio.sleep(0.01)
            return None
        if not fault.after:
            self._note(method, params, files, fault.what if isinstance(fault.what, int) else 0)
        if fault.what == "reset":
            return _reset(request)
        if fault.what == "html":
            return PlainTextResponse("<html>502 Bad Gateway</html>", 502)
        if fault.what == "garbage":
            return PlainTextResponse("{not json", 200)
        code = int(fault.what)
        more = {"retry_after": fault.retry_after} if code == 429 else {}
        return _failed(Refused(code, fault.says or WORDS.get(code, "Bad Request"), **more))

    def _note(self, method: str, params: Json, files: Mapping[str, bytes], code: int) -> None:
        if method.startswith(("send", "edit", "answer")):  # what is seen in a chat
            said(str(params))
        with self._changed:
            upload = sum(map(len, files.values()))
            self.calls.append(Call(method=method, params=params, upload=upload, at=self.now(), code=code))
            self._changed.notify_all()

    async def _download(self, request: Request) -> Response:
        token, _, path = unquote(request.path_params["rest"]).partition("/")
        if self.down:
            return _reset(request)
        if token != TOKEN:
            return PlainTextResponse("Not found", 404)
        fault = self._fault("download", {})
        short = fault is not None and fault.what == "short"
        if fault is not None and not short and (bent := await self._bend(fault, request, "download", {}, {})):
            return bent
        file = self.files.get(path.rpartition("/")[2].partition(".")[0])
        self._note("download", {"path": path}, {}, 200 if file else 404)
        if file is None:
            return PlainTextResponse("Not found", 404)
        return Response(file.data[: len(file.data) // 2] if short else file.data)

    # --- methods

    def _act(self, method: str, params: Json, files: Mapping[str, bytes]) -> Any:
        if method in PROFILE:
            key = f"{method}:{params.get('language_code', '')}:{(params.get('scope') or {}).get('type', '')}"
            self.profile[key] = params
            return True
        act = getattr(self, f"_do_{method}", None)
        if act is None:
            raise Refused(404, "Not Found: method not found")
        return act(params, files)

    def _do_getMe(self, _p: Json, _f: Mapping[str, bytes]) -> Json:
        told = {"can_join_groups": True, "can_read_all_group_messages": False}
        return {**BOT, **told, "supports_inline_queries": self.inline}

    async def _get_updates(self, params: Json) -> list[Json]:
        self.polled_for = tuple(params.get("allowed_updates", ()))
        if self.conflict or self._polling:
            raise Refused(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance")
        if self.webhook:
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active")
        self._polling += 1
        try:
            limit = time.monotonic() + float(params.get("timeout", 0))
            with self._changed:
                while self._updates and self._updates[0]["update_id"] < int(params.get("offset", 0)):
                    self._updates.popleft()
                    self._quiet_since = time.monotonic()
                self._changed.notify_all()
            while True:
                with self._changed:
                    batch = list(self._updates)[: int(params.get("limit", 100))]
                if batch or time.monotonic() > limit or self.down:
                    return batch
                await asyncio.sleep(0.005)
        finally:
            self._polling -= 1

    def _do_setWebhook(self, params: Json, _f: Mapping[str, bytes]) -> bool:
        if not params["url"].startswith("https://"):
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        self.webhook = params
        return True

    def _do_deleteWebhook(self, _p: Json, _f: Mapping[str, bytes]) -> bool:
        self.webhook = {}
        return True

    def _do_getWebhookInfo(self, _p: Json, _f: Mapping[str, bytes]) -> Json:
        return {
            "url": self.webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": self.unread,
        }

    def _do_getFile(self, params: Json, _f: Mapping[str, bytes]) -> Json:
        file = self.files.get(params["file_id"])
        if file is None:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(file.data) > 20 * MB:
            raise Refused(400, "Bad Request: file is too big")
        return {
            "file_id": file.id,
            "file_unique_id": file.unique,
            "file_size": len(file.data),
            "file_path": str(self.local_files or f"photos/{file.id}.jpg"),
        }

    def _do_setMessageReaction(self, params: Json, _f: Mapping[str, bytes]) -> bool:
        chat, reactions = self._reachable(params), params.get("reaction") or []
        key = (chat, int(params["message_id"]))
        if key not in self.messages:
            raise Refused(400, "Bad Request: message to react not found")
        if len(reactions) > 1:
            raise Refused(400, "Bad Request: REACTIONS_TOO_MANY")
        free = all(one["type"] == "emoji" and one["emoji"] in set(ReactionEmoji) for one in reactions)
        if not free or (reactions and chat in self.no_reactions):
            raise Refused(400, "Bad Request: REACTION_INVALID")
        self.reactions[key].append(reactions[0]["emoji"] if reactions else "")
        return True

    def _do_getUserProfilePhotos(self, params: Json, _f: Mapping[str, bytes]) -> Json:
        user, limit, offset = int(params["user_id"]), int(params.get("limit", 100)), int(params.get("offset", 0))
        if not 1 <= limit <= 100 or user <= 0:
            raise Refused(400, "Bad Request: invalid user_id specified")
        photos = self.profile_photos.get(user, [])
        return {"total_count": len(photos), "photos": [[_size(one)] for one in photos[offset : offset + limit]]}

    def _do_getChatMember(self, params: Json, _f: Mapping[str, bytes]) -> Json:
        chat, user = int(params["chat_id"]), int(params["user_id"])
        who = {"id": user, "is_bot": False, "first_name": "Somebody"}
        if (chat, user) not in self.admins:
            return {"status": "member", "user": who}
        rights = dict.fromkeys(ADMIN_RIGHTS, True)
        return {"status": "administrator", "user": who, "can_be_edited": False, "is_anonymous": False, **rights}

    def _do_sendChatAction(self, params: Json, _f: Mapping[str, bytes]) -> bool:
        self._reachable(params)
        return True

    def _do_answerCallbackQuery(self, params: Json, _f: Mapping[str, bytes]) -> bool:
        if len(params.get("text", "")) > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        if params["callback_query_id"] in self.answered:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.answered[params["callback_query_id"]] = params
        return True

    def _do_sendMessage(self, params: Json, _f: Mapping[str, bytes]) -> Json:
        chat = self._reachable(params)
        text = params.get("text", "").strip()
        _check_text(text, 4096)
        if self.knows_ephemeral and "ephemeral_message_parameters" in params:
            return self._post_unseen(chat, params, text)
        return self._post(chat, params, text=text)

    def _post_unseen(self, chat: int, params: Json, text: str) -> Json:
        """An ephemeral message: within 15 seconds of what its person did, or by an administrator."""
        asked = params["ephemeral_message_parameters"]
        person, command = (
            int(asked["receiver_user_id"]),
            (params.get("reply_parameters") or {}).get("ephemeral_message_id"),
        )
        if chat > 0:
            raise Refused(400, "Bad Request: EPHEMERAL_CHAT_INVALID")
        done = self.actions.get(asked.get("callback_query_id") or f"c{command}")
        answers = done is not None and done[:2] == (chat, person) and self.now() - done[2] <= 15
        if not answers and (chat, BOT["id"]) not in self.admins:
            raise Refused(400, "Bad Request: MESSAGE_NOT_COMMAND")
        number = self.next_id()
        message: Json = {
            "message_id": 0,
            "ephemeral_message_id": number,
            "receiver_user": {"id": person, "is_bot": False, "first_name": "Somebody"},
            "date": int(time.time()),
            "chat": self.chat(chat),
            "from": BOT,
            "text": text,
            **_markup(params),
        }
        self.ephemerals[(chat, person, number)] = message
        return message

    def _do_editEphemeralMessageText(self, params: Json, _f: Mapping[str, bytes]) -> Json:
        if not self.knows_ephemeral:
            raise Refused(404, "Not Found: method not found")
        key = (self._reachable(params), int(params["receiver_user_id"]), int(params["ephemeral_message_id"]))
        if key not in self.ephemerals:
            raise Refused(400, "Bad Request: message to edit not found")
        _check_text(params["text"], 4096)
        new = {k: v for k, v in self.ephemerals[key].items() if k != "reply_markup"}
        self.ephemerals[key] = new | {"text": params["text"].strip()} | _markup(params)
        return self.ephemerals[key]

    def _do_sendPhoto(self, params: Json, files: Mapping[str, bytes]) -> Json:
        chat = self._reachable(params)
        caption = _caption(params)
        return self._post(chat, params, **self._media("photo", params["photo"], files), **caption)

    def _do_sendDocument(self, params: Json, files: Mapping[str, bytes]) -> Json:
        chat = self._reachable(params)
        caption = _caption(params)
        return self._post(chat, params, **self._media("document", params["document"], files), **caption)

    def _do_sendMediaGroup(self, params: Json, files: Mapping[str, bytes]) -> list[Json]:
        chat = self._reachable(params)
        media = params["media"]
        if not 2 <= len(media) <= 10:
            raise Refused(400, "Bad Request: wrong number of media in the album")
        if "reply_markup" in params:
            raise Refused(400, "Bad Request: reply_markup is not allowed in albums")
        if len({m["type"] for m in media}) > 1 and any(m["type"] == "document" for m in media):
            raise Refused(400, "Bad Request: documents can't be mixed with other media types")
        contents = [{**self._media(m["type"], m["media"], files), **_caption(m)} for m in media]
        group = f"sent-{next(self._names)}"
        return [self._post(chat, params, media_group_id=group, **content) for content in contents]

    def _do_answerInlineQuery(self, params: Json, _f: Mapping[str, bytes]) -> bool:
        query, results = params["inline_query_id"], params["results"]
        if query in self.inline_answers:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        if len(results) > 50 or len({one["id"] for one in results}) != len(results):
            raise Refused(400, "Bad Request: RESULT_ID_DUPLICATE")
        for one in results:
            file = self.files.get(one.get("photo_file_id", ""))
            if one["type"] != "photo" or file is None or file.kind != "photo" or len(one["id"].encode()) > 64:
                raise Refused(400, "Bad Request: wrong file identifier/HTTP URL specified")
        self.inline_answers[query] = params
        return True

    def _do_uploadStickerFile(self, params: Json, files: Mapping[str, bytes]) -> Json:
        data = files[str(params["sticker"]).removeprefix("attach://")] if "sticker" in params else files["sticker"]
        file = self.keep(data, "sticker")
        if params.get("sticker_format") != "static" or max(file.width, file.height) != 512 or len(data) > 512 * 1024:
            raise Refused(400, "Bad Request: STICKER_PNG_DIMENSIONS")
        return {"file_id": file.id, "file_unique_id": file.unique, "file_size": len(data)}

    def _do_createNewStickerSet(self, params: Json, _f: Mapping[str, bytes]) -> bool:
        name, stickers = params["name"], json.loads(params["stickers"])
        if not name.endswith(f"_by_{BOT['username']}") or not 1 <= len(name) <= 64 or "__" in name:
            raise Refused(400, "Bad Request: invalid sticker set name is specified")
        if name in self.packs:
            raise Refused(400, "Bad Request: sticker set name is already occupied")
        if not 1 <= len(stickers) <= 50 or any(self.files[one["sticker"]].kind != "sticker" for one in stickers):
            raise Refused(400, "Bad Request: STICKERS_INVALID")
        self.packs[name] = {"owner": int(params["user_id"]), "title": params["title"], "stickers": stickers}
        return True

    def _do_editMessageText(self, params: Json, _f: Mapping[str, bytes]) -> Json:
        message = self._own(params)
        if "text" not in message:
            raise Refused(400, "Bad Request: there is no text in the message to edit")
        _check_text(params["text"], 4096)
        new = {**message, "text": params["text"].strip()}
        return self._change(message, new, params)

    def _do_editMessageReplyMarkup(self, params: Json, _f: Mapping[str, bytes]) -> Json:
        message = self._own(params)
        return self._change(message, dict(message), params)

    def _do_editMessageMedia(self, params: Json, files: Mapping[str, bytes]) -> Json:
        message = self._own(params)
        media = params["media"]
        if "text" in message and not self.edits_text_into_media:
            raise Refused(400, f"Bad Request: {self.refuses_it_with}")
        if "media_group_id" in message:
            if "reply_markup" in params:
                raise Refused(400, "Bad Request: reply_markup is not allowed in albums")
            if (media["type"] == "document") != ("document" in message):
                raise Refused(400, "Bad Request: the type of the media of an album's message can't be changed")
        new = {k: v for k, v in message.items() if k not in ("text", "caption", "photo", "document")}
        new |= {**self._media(media["type"], media["media"], files), **_caption(media)}
        return self._change(message, new, params)

    def _do_deleteMessage(self, params: Json, _f: Mapping[str, bytes]) -> bool:
        self._reachable(params, sends=False)
        key = (int(params["chat_id"]), int(params["message_id"]))
        if key not in self.messages:
            raise Refused(400, "Bad Request: message to delete not found")
        del self.messages[key]
        return True

    # --- the rules behind them

    def _reachable(self, params: Json, *, sends: bool = True) -> int:
        """The chat, if the bot may write there now."""
        chat = int(params["chat_id"])
        if chat in self.migrated:
            new = self.migrated[chat]
            text = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refused(400, text, migrate_to_chat_id=new)
        if chat in self.gone:
            raise Refused(400, "Bad Request: chat not found")
        if chat in self.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if int(params.get("message_thread_id") or 0) in self.threads_gone:
            raise Refused(400, "Bad Request: message thread not found")
        if chat < 0 and int(params.get("message_thread_id") or 0) in self.threads_closed:
            raise Refused(400, "Bad Request: TOPIC_CLOSED")
        if chat in self.strangers:
            raise Refused(403, "Forbidden: bot can't initiate conversation with a user")
        if sends:
            self._flood(chat)
        return chat

    def _flood(self, chat: int) -> None:
        now = self.now()
        rules: list[tuple[object, float | None, float]] = [("all", self.overall, 1.0)]
        if chat < 0:
            rules.append((chat, self.per_group, 60.0))
        else:
            rules.append((chat, self.per_chat, 1.0))
        for key, limit, window in rules:
            sent = self._sent[key]
            while sent and sent[0] <= now - window:
                sent.popleft()
            if limit is not None and len(sent) >= limit:
                wait = int(window - (now - sent[0])) + 1
                raise Refused(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        for key, _limit, _window in rules:
            self._sent[key].append(now)

    def _own(self, params: Json) -> Json:
        self._reachable(params)
        message = self.messages.get((int(params["chat_id"]), int(params["message_id"])))
        if message is None:
            raise Refused(400, "Bad Request: message to edit not found")
        if message["from"]["id"] != BOT["id"]:
            raise Refused(400, "Bad Request: message can't be edited")
        if message["chat"]["id"] < 0 and int(message.get("message_thread_id") or 0) in self.threads_closed:
            raise Refused(400, "Bad Request: TOPIC_CLOSED")
        return message

    def _post(self, chat: int, params: Json, **content: Any) -> Json:
        message: Json = {
            "message_id": self.next_id(),
            "date": int(time.time()),
            "chat": self.chat(chat),
            "from": BOT,
            **content,
        }
        reply = params.get("reply_parameters")
        if reply and "message_id" not in reply:
            raise Refused(400, "Bad Request: can't parse reply parameters: message_id is missing")
        if reply:
            replied = self.messages.get((int(reply.get("chat_id") or chat), int(reply["message_id"])))
            if replied is None and not reply.get("allow_sending_without_reply"):
                raise Refused(400, "Bad Request: message to be replied not found")
            if replied is not None:
                message["reply_to_message"] = {k: v for k, v in replied.items() if k != "reply_to_message"}
        if params.get("message_thread_id"):
            message |= {"message_thread_id": int(params["message_thread_id"]), "is_topic_message": True}
        message |= _markup(params)
        if (params.get("reply_markup") or {}).get("force_reply"):
            self.forced.add((chat, message["message_id"]))  # answers hold inline keyboards only
        self._store(message)
        return message

    def _change(self, old: Json, new: Json, params: Json) -> Json:
        new.pop("reply_markup", None)
        new |= _markup(params)
        if {**new, "edit_date": 0} == {**old, "edit_date": 0}:
            raise Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        new["edit_date"] = int(time.time())
        self._store(new)
        return new

    def _store(self, message: Json) -> None:
        key = (message["chat"]["id"], message["message_id"])
        self.messages[key] = message
        shown = self._as_shown(message)
        self.history[key].append(shown.file.unique if shown.file else shown.text)
        if shown.is_picture:
            self.pictures_at.setdefault(key, time.monotonic())

    def _media(self, kind: str, value: str, files: Mapping[str, bytes]) -> Json:
        name = value.removeprefix("attach://")
        if name in files:
            data = files[name]
            if kind == "photo" and len(data) > 10 * MB:
                raise Refused(400, "Bad Request: file is too big")
            if len(data) > 50 * MB:
                raise Refused(413, "Request Entity Too Large")
            file = self.keep(data, kind)
        elif value in self.files:
            file = self.files[value]
            if file.kind != kind:
                raise Refused(400, f"Bad Request: can't use file of type {file.kind} as {kind}")
        else:
            raise Refused(400, "Bad Request: wrong file identifier/HTTP URL specified")
        if kind == "document":
            size = {"file_size": len(file.data), "file_name": "result", "mime_type": "image/png"}
            return {"document": {"file_id": file.id, "file_unique_id": file.unique, **size}}
        if not file.width:
            raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
        if file.width + file.height > 10_000 or max(file.width, file.height) > 20 * min(file.width, file.height):
            raise Refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        return {"photo": [_size(file)]}


WORDS = {
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    429: "Too Many Requests: retry after 1",
    413: "Request Entity Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    409: "Conflict: terminated by other getUpdates request",
}
NESTED = frozenset(
    {
        "reply_markup",
        "reply_parameters",
        "media",
        "commands",
        "scope",
        "allowed_updates",
        "menu_button",
        "results",
        "reaction",
        "ephemeral_message_parameters",
    }
)
"""Values that are JSON texts."""
PROFILE = frozenset({"setMyCommands", "setMyDescription", "setMyShortDescription", "setMyName", "setChatMenuButton"})
ADMIN_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


def _measured(data: bytes) -> tuple[int, int, bool]:
    """Width, height, and whether it is of one colour all over; zeros for what is no picture."""
    width = height = 0
    flat = False
    with contextlib.suppress(OSError), Image.open(io.BytesIO(data)) as image:
        width, height = image.size
        pixels = image.convert("RGB")
        # Most show as much in a few pixels; only one that does not is looked at whole, which takes ten times as long.
        flat = _of_one_colour(pixels.resize((32, 32), Image.Resampling.NEAREST)) and _of_one_colour(pixels)
    return width, height, flat


def _of_one_colour(image: Image.Image) -> bool:
    return all(high - low < 12 for low, high in image.getextrema())  # type: ignore[misc]  # RGB: pairs


def _size(file: File) -> Json:
    return {
        "file_id": file.id,
        "file_unique_id": file.unique,
        "width": file.width,
        "height": file.height,
        "file_size": len(file.data),
    }


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _check_text(text: str, most: int) -> None:
    if not text:
        raise Refused(400, "Bad Request: message text is empty")
    if _units(text) > most:
        raise Refused(400, "Bad Request: message is too long")


def _caption(params: Json) -> Json:
    caption = params.get("caption") or ""
    if _units(caption) > 1024:
        raise Refused(400, "Bad Request: message caption is too long")
    return {"caption": caption} if caption else {}


def _markup(params: Json) -> Json:
    markup = params.get("reply_markup")
    if not markup:
        return {}
    rows = markup.get("inline_keyboard", [])
    if sum(map(len, rows)) > 100 or any(not 1 <= len(row) <= 8 for row in rows):
        raise Refused(400, "Bad Request: reply markup is too long")
    for button in (b for row in rows for b in row):
        if address := button.get("web_app", {}).get("url"):
            if int(params.get("chat_id", 0)) < 0 or not str(address).startswith("https://"):
                raise Refused(400, "Bad Request: BUTTON_TYPE_INVALID")
            continue
        if "copy_text" in button:
            if not 1 <= len(button["copy_text"]["text"]) <= 256:
                raise Refused(400, "Bad Request: BUTTON_COPY_TEXT_INVALID")
            continue
        if not 1 <= len(button.get("callback_data", "").encode()) <= 64:
            raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return {"reply_markup": markup} if rows else {}


async def _read(request: Request) -> tuple[Json, dict[str, bytes]]:
    """Form-encoded, or multipart with files; nested values are JSON texts."""
    params: Json = {}
    files: dict[str, bytes] = {}
    if request.headers.get("content-type", "").startswith("application/json"):
        return await request.json(), files
    async with request.form(max_part_size=60 * MB) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files[name] = await value.read()
                params.setdefault(name, f"attach://{name}")
                params.setdefault("file_names", []).append(value.filename)
            else:
                params[name] = _parsed(name, value)
    return params, files


def _parsed(name: str, value: str) -> Any:
    if name in NESTED:
        return json.loads(value)
    return value


def _failed(refused: Refused) -> Response:
    body: Json = {"ok": False, "error_code": refused.code, "description": str(refused)}
    if refused.parameters:
        body["parameters"] = refused.parameters
    return JSONResponse(body, refused.code)


def _reset(request: Request) -> Response:
    """Ends the connection without an answer, as a network does."""
    transport = request.receive.__self__.transport  # type: ignore[attr-defined]  # uvicorn's request cycle
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return Response(status_code=204)


def statistics(telegram: FakeTelegram) -> Counter[str]:
    """How often each method was called."""
    return Counter(call.method for call in telegram.calls)
