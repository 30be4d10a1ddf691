"""What an update means to us. Pure: an update and who we are come in, a `Post`, a `Tap` or nothing comes out.

In a group the bot is addressed by a command, a mention, or a reply to it; everything else there is ignored, except the
parts of an album, whose caption may be on another part.
"""

import re
from dataclasses import dataclass
from datetime import datetime

import telegram
from telegram import Update

from bot.channels.telegram.inbound.lenient_json import left_out
from handlers.commands import COMMANDS
from handlers.message import Language

TEXT_UNITS = 4096
"""UTF-16 units of one message (Bot API)."""
LARGEST_DOWNLOAD = 20 << 20
"""Bytes; what getFile gives (Bot API)."""
MAKE = "make"
"""`/make anime`: the command that only addresses the bot, for groups in privacy mode."""
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]+))?(?![A-Za-z0-9_@/])")
"""Chinese continues without a space: `/make动漫`."""
_PICTURE_NAME = re.compile(
    r"\.(jpe?g|jpe|jfif|mpo|png|webp|hei[cf]s?|hif|avifs?|gif|bmp|dib|tiff?|jp2|j2k|tga|ico)$", re.IGNORECASE
)
_ANY_TYPE = frozenset({"", "application/octet-stream"})
_JOB = re.compile(r"[a-z]+:([0-9a-f]{20})(?:\||$)")
_START = re.compile(r"/start(?:@\w+)?\s+([A-Za-z0-9_-]{1,64})", re.IGNORECASE)
_MARKS = " ,，:：、"
"""What may stand between the bot's name, or a command, and the request."""
_UNUSABLE = (
    "video",
    "live_photo",
    "animation",
    "voice",
    "audio",
    "video_note",
    "sticker",
    "document",
    "paid_media",
    "story",
    "contact",
    "location",
    "venue",
    "poll",
    "dice",
    "game",
    "checklist",
    "giveaway",
    "giveaway_winners",
    "invoice",
)


@dataclass(frozen=True, kw_only=True)
class Me:
    """The bot itself. `sees_all`: privacy mode is off, so all messages of groups arrive."""

    id: int
    username: str
    sees_all: bool = False


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A picture in a message. `unique` names the file permanently; `size` in bytes if it is given."""

    file_id: str
    unique: str
    size: int | None = None
    message: int = 0

    @property
    def too_large(self) -> bool:
        return (self.size or 0) > LARGEST_DOWNLOAD


@dataclass(frozen=True, kw_only=True)
class Post:
    """A message somebody wrote, or edited.

    `addressed` False: a part of an album in a group, ignored unless another part is addressed. `units`: UTF-16 units of
    its original text. `forwarded`: somebody else's, passed on. `unusable`: it holds something that is no picture.
    `quoted_…`: the message it replies to.
    """

    chat: int
    person: str
    message: int
    text: str = ""
    units: int = 0
    thread: int | None = None
    private: bool = True
    addressed: bool = True
    forwarded: bool = False
    at: datetime | None = None
    album: str | None = None
    photos: tuple[Attachment, ...] = ()
    unusable: bool = False
    edited: int | None = None
    quoted: tuple[Attachment, ...] = ()
    quoted_message: int | None = None
    quoted_album: str | None = None
    quoted_job: str | None = None
    quoted_unusable: bool = False
    came_by: str | None = None
    """The parameter of the link that opened the chat (`t.me/BOT?start=…`)."""
    ephemeral: int | None = None
    """Its number if only its sender and the bot see it; `message` is 0 then."""
    language: Language | None = None


@dataclass(frozen=True, kw_only=True)
class Tap:
    """A button somebody pressed. `message` is the one it belongs to, `replies_to` what that one replies to."""

    query: str
    chat: int
    person: str
    message: int
    data: str
    thread: int | None = None
    replies_to: int | None = None
    private: bool = True
    ephemeral: int | None = None
    """The number of the message it belongs to, if only this person sees that; `message` is 0 then."""
    language: Language | None = None


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A group became a supergroup."""

    old: int
    new: int


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Whether the bot may write to a chat has changed."""

    chat: int
    gone: bool


Known = Post | Tap | Moved | Standing


def read(update: Update, me: Me) -> Known | None:
    """What the update means to us, or None for nothing."""
    if update.callback_query is not None:
        return _tap(update.callback_query)
    if update.my_chat_member is not None:
        status = update.my_chat_member.new_chat_member.status
        return Standing(chat=update.my_chat_member.chat.id, gone=status in ("kicked", "left"))
    message = update.message or update.edited_message
    if message is None:
        return None
    if message.migrate_to_chat_id:
        return Moved(old=message.chat.id, new=message.migrate_to_chat_id)
    if message.migrate_from_chat_id:
        return Moved(old=message.migrate_from_chat_id, new=message.chat.id)
    return _post(message, me, edited=update.edited_message is not None)


def place_of(update: Update) -> tuple[int, str] | None:
    """The chat, and who wrote or pressed there, as `read` tells them: whose line it is, before we know who we are."""
    if (query := update.callback_query) is not None:
        return (query.message.chat.id, str(query.from_user.id)) if query.message is not None else None
    message = update.message or update.edited_message
    person = None if message is None else _person(message)
    return None if message is None or person is None else (message.chat.id, person)


def language_of(user: telegram.User | None) -> Language | None:
    code = (user.language_code if user else None) or ""
    return ("zh" if code.lower().startswith("zh") else "en") if code else None


def _tap(query: telegram.CallbackQuery) -> Tap | None:
    under = query.message
    if under is None or not query.data:
        return None
    known = under if isinstance(under, telegram.Message) else None
    replied = known.reply_to_message if known else None
    return Tap(
        query=query.id,
        chat=under.chat.id,
        person=str(query.from_user.id),
        message=under.message_id,
        data=query.data,
        thread=_thread(known) if known else None,
        replies_to=replied.message_id if replied else None,
        private=under.chat.type == "private",
        ephemeral=ephemeral(under),
        language=language_of(query.from_user),
    )


def ephemeral(message: telegram.MaybeInaccessibleMessage) -> int | None:
    """The number of a message that one person and the bot see (Bot API 10.2); None if everybody sees it."""
    number = message.api_kwargs.get("ephemeral_message_id")
    return number if isinstance(number, int) else None


def _thread(message: telegram.Message) -> int | None:
    # In groups without topics a chain of replies carries a thread id too; that one is not to be sent back.
    return message.message_thread_id if message.is_topic_message else None


def _person(message: telegram.Message) -> str | None:
    """Who wrote it. An anonymous admin or a channel writes as a chat; other bots are ignored."""
    if message.sender_chat is not None:
        return None if message.is_automatic_forward else f"c{message.sender_chat.id}"
    user = message.from_user
    return None if user is None or user.is_bot else str(user.id)


def _post(message: telegram.Message, me: Me, *, edited: bool) -> Post | None:
    person = _person(message)
    if person is None or message.chat.type == "channel":
        return None
    private = message.chat.type == "private"
    words = message.text or message.caption or ""
    text, named = spoken(message, words, me)
    replied = _replied(message)
    to_me = bool(replied and replied.from_user and replied.from_user.id == me.id)
    addressed = private or named or to_me
    photos = attachments(message)
    unusable = not photos and (_holds_unusable(message) or left_out(message))
    if not addressed and not (message.media_group_id and photos):
        return None
    if not (photos or unusable or text or named or to_me):
        return None  # a service message
    opened = _START.fullmatch(words.strip()) if text == "/start" else None
    other = replied or message.external_reply
    quoted = attachments(other) if other else ()
    return Post(
        chat=message.chat.id,
        person=person,
        message=message.message_id,
        text=text,
        units=len((message.text or "").encode("utf-16-le")) // 2,
        thread=_thread(message),
        private=private,
        addressed=addressed,
        forwarded=_forwarded(message),
        at=message.date,
        album=message.media_group_id,
        photos=photos,
        unusable=unusable,
        edited=int(message.edit_date.timestamp()) if edited and message.edit_date else None,
        quoted=quoted,
        quoted_message=replied.message_id if replied else None,
        quoted_album=replied.media_group_id if replied else None,
        quoted_job=job_under(replied) if replied and to_me else None,
        came_by=opened[1] if opened else None,
        ephemeral=ephemeral(message),
        quoted_unusable=bool(other) and not (quoted or photos or to_me) and _holds_unusable(other),
        language=language_of(message.from_user),
    )


def _forwarded(message: telegram.Message) -> bool:
    """Whether it was forwarded from somebody else: one's own text stays one's own."""
    origin = message.forward_origin
    own = isinstance(origin, telegram.MessageOriginUser) and message.from_user == origin.sender_user
    return origin is not None and not own


def _holds_unusable(message: telegram.Message | telegram.ExternalReplyInfo | None) -> bool:
    return any(getattr(message, kind, None) for kind in _UNUSABLE)


def _replied(message: telegram.Message) -> telegram.Message | None:
    """What it replies to; in a topic, the topic's own first message is no reply."""
    replied = message.reply_to_message
    return None if replied is None or replied.forum_topic_created else replied


def spoken(message: telegram.Message, words: str, me: Me) -> tuple[str, bool]:
    """The text without the bot's name, and whether it was named (by a command or a mention)."""
    private = message.chat.type == "private"
    text = words.strip()
    if match := _COMMAND.match(text):
        command, at = match[1].lower(), (match[2] or "").lower()
        if at and at != me.username.lower():
            return text, False
        rest = _without_name(text[match.end() :], message, me)[0]
        if command in COMMANDS:
            return (f"/{command}" if command == "start" else f"/{command} {rest}".strip()), True
        if command == MAKE:
            return rest.lstrip(_MARKS), True
        if at or private:
            return f"/{command} {rest}".strip(), True
        return text, False
    return _without_name(text, message, me)


def _without_name(text: str, message: telegram.Message, me: Me) -> tuple[str, bool]:
    named = False
    entities = message.parse_entities(["text_mention"]) or message.parse_caption_entities(["text_mention"])
    for entity, said in entities.items():
        if entity.user and entity.user.id == me.id:
            text, named = text.replace(said, " ", 1), True
    # As an entity or plain: the server does not mark a name that Chinese text follows without a space.
    name = rf"(?<![A-Za-z0-9_@/])[@＠]{re.escape(me.username)}(?![A-Za-z0-9_])"
    stripped = re.sub(name, " ", text, flags=re.IGNORECASE)
    named = named or stripped != text
    return (" ".join(stripped.split(" ")).strip(_MARKS) if named else text.strip()), named


def attachments(message: telegram.Message | telegram.ExternalReplyInfo) -> tuple[Attachment, ...]:
    """The picture in a message: the largest size of a photo, an image sent as a file, or a static sticker."""
    number = message.message_id if isinstance(message, telegram.Message) else 0
    # A live photo sets `photo` too, but not if it is quoted from another chat.
    sizes = message.photo or (message.live_photo.photo if message.live_photo else ())
    if sizes:
        return (_attachment(max(sizes, key=lambda size: size.width * size.height), number),)
    document = message.document
    if document is not None and getattr(message, "animation", None) is None and _may_be_picture(document):
        return (_attachment(document, number),)
    sticker = message.sticker
    if sticker is not None and not sticker.is_animated and not sticker.is_video:
        return (_attachment(sticker, number),)
    return ()


def _may_be_picture(document: telegram.Document) -> bool:
    """By type or name; if a client gives neither, its bytes decide."""
    mime, name = (document.mime_type or "").lower(), document.file_name or ""
    untold = mime in _ANY_TYPE and "." not in name
    return mime.startswith("image/") or bool(_PICTURE_NAME.search(name)) or untold


def _attachment(file: telegram.PhotoSize | telegram.Document | telegram.Sticker, message: int) -> Attachment:
    return Attachment(file_id=file.file_id, unique=file.file_unique_id, size=file.file_size, message=message)


def job_under(message: telegram.Message) -> str | None:
    """The job a message of ours is about, from its buttons."""
    markup = message.reply_markup
    for row in markup.inline_keyboard if markup else ():
        for button in row:
            if isinstance(button.callback_data, str) and (match := _JOB.match(button.callback_data)):
                return match[1]
    return None


def job_named(data: str) -> str | None:
    """The job in a button's data."""
    match = _JOB.match(data)
    return match[1] if match else None
