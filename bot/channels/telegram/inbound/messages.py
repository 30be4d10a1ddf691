"""From what was received to a `Message` for the handlers: whose it is, its text, and its pictures on our disk."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from bot.channels.telegram.bounded import BoundedMap
from bot.channels.telegram.inbound.photos import Photos
from bot.channels.telegram.inbound.updates import TEXT_UNITS, Attachment, Post, Tap, job_named
from bot.channels.telegram.message_index import MessageIndex
from bot.channels.telegram.outbound.buttons import Pressed, owner_mark
from handlers.message import Chat, IncomingPhoto, Message
from handlers.store.base import Job, Store
from providers.media.store import at_hand

REMEMBERED = 10_000


class MessageBuilder:
    def __init__(self, *, store: Store, index: MessageIndex, photos: Photos) -> None:
        self._store = store
        self._index = index
        self._photos = photos
        self._seen: BoundedMap[tuple[int, int], tuple[object, ...]] = BoundedMap(REMEMBERED)

    # --- text

    def is_news(self, posts: Sequence[Post]) -> bool:
        """Whether text or pictures are new: clients also report an edit when nothing was changed."""
        news = [post.edited is None or self._seen.get((post.chat, post.message)) != _content(post) for post in posts]
        for post in posts:
            self._seen.put((post.chat, post.message), _content(post))
        return any(news)

    def forget(self, chat: Chat) -> None:
        """What is remembered here of what this person wrote."""
        self._seen.drop_where(lambda content: content[0] == chat.person)

    def message(self, name: str, posts: Sequence[Post], *, late: bool = False) -> Message:
        """Without its pictures yet. `late` as from `album`."""
        first = posts[0]
        thread = None if first.thread is None else str(first.thread)
        return Message(
            key=_key(name, first, late=late),
            chat=Chat(channel="telegram", chat=name, person=first.person, thread=thread),
            text=_words(posts),
            came_by=first.came_by,
            language_hint=first.language,
            ref=str(first.message) if first.message else None,
            at=first.at,
            edits=None if first.edited is None else _key(name, replace(first, edited=None)),
            forwarded=any(post.forwarded for post in posts),
            left_out=sum(1 for post in posts if post.unusable) if any(post.photos for post in posts) else 0,
            group=not first.private,
        )

    def tapped(self, name: str, tap: Tap) -> Message:
        pressed = Pressed.parse(tap.data)
        anonymous = pressed.owner == owner_mark(f"c{tap.chat}")
        thread = None if tap.thread is None else str(tap.thread)
        about = tap.message if job_named(tap.data) else tap.replies_to or tap.message
        return Message(
            key=f"telegram:tap:{tap.query}",
            chat=Chat(channel="telegram", chat=name, person=f"c{tap.chat}" if anonymous else tap.person, thread=thread),
            choice=pressed.choice,
            language_hint=tap.language,
            ref=str(about) if about else None,
            group=not tap.private,
        )

    # --- pictures

    async def album(self, name: str, posts: Sequence[Post]) -> tuple[Sequence[Post], bool]:
        """Remember the parts of an album, so that a later reply to one of its pictures finds them all.

        Returns the posts to handle, and whether they are late: parts that arrive after their album was handled are a
        message of their own.
        """
        first = posts[0]
        if not first.album:
            return posts, False
        if first.edited is not None:  # one part of it, perhaps with another picture
            await self._index.put_album(self.message(name, posts).chat, first.album, first.photos, whole=False)
            return posts, False
        handled = await self._store.turn_of(_key(name, first)) is not None
        chat = self.message(name, posts).chat
        parts = tuple(attachment for post in posts for attachment in post.photos)
        together = await self._index.put_album(chat, first.album, parts, whole=not handled)
        late = [post for post in posts if post.photos and post.message not in together]
        return (late, True) if late else (posts, False)

    async def with_photos(self, message: Message, posts: Sequence[Post]) -> tuple[Message, tuple[IncomingPhoto, ...]]:
        """The message with its pictures, and all that were downloaded. Raises TooLarge, Lost."""
        first, name = posts[0], message.chat.chat
        photos = tuple(attachment for post in posts for attachment in post.photos)
        if first.album and (first.edited is not None or message.key == _key(name, first)):
            photos = await self._index.album(message.chat, first.album) or photos
        job = await self._quoted_job(message.chat, first)
        quoted = () if job else await self._quoted(message.chat, first)
        if not photos and not quoted:
            return replace(message, quoted_job=job.id if job else None), ()
        stem = hashlib.sha256(message.key.encode()).hexdigest()[:20]
        fetched = await self._photos.fetch((*photos, *quoted), stem)
        came, replied = fetched[: len(photos)], fetched[len(photos) :]
        if replied and not came and not message.text:
            # A picture replied to without text is in the session like one just sent.
            came, replied = replied, ()
        return replace(message, photos=came, quoted_photos=replied, quoted_job=job.id if job else None), fetched

    async def _quoted(self, chat: Chat, post: Post) -> tuple[Attachment, ...]:
        """The pictures of the message it replies to: of an album, all that we saw."""
        if post.quoted_album:
            return await self._index.album(chat, post.quoted_album) or post.quoted
        return post.quoted

    async def _quoted_job(self, chat: Chat, post: Post) -> Job | None:
        """The job whose result it replies to, if it is this person's and its pictures are here."""
        named = post.quoted_job
        if named is None and post.quoted_message is not None and post.quoted:
            named = await self._index.job_of(chat, post.quoted_message)
        job = await self._store.job(named) if named else None
        if job is None or job.chat.key != chat.key or not job.pictures:
            return None
        here = [await at_hand(self._store.media, picture.path) for picture in job.pictures]
        return job if all(here) else None


def _content(post: Post) -> tuple[object, ...]:
    """Whose it is, and what an edit could change."""
    return (post.person, post.text, tuple(photo.unique for photo in post.photos))


def _words(posts: Sequence[Post]) -> str:
    """The text of the parts: of an album the caption, of a split text the whole of it."""
    if len(posts) == 1 or posts[0].album:
        return "\n".join(dict.fromkeys(post.text for post in posts if post.text))
    text = posts[0].text
    for before, post in pairwise(posts):
        # A client that finds a space before the limit splits there, and drops it.
        text += post.text if before.units >= TEXT_UNITS else f" {post.text}"
    return text


def _key(name: str, first: Post, *, late: bool = False) -> str:
    """An edit is a message of its own; an album is one message, named by its group, and its late parts another. The
    numbers of ephemeral messages are used again."""
    if first.ephemeral is not None:
        return f"telegram:{name}:e{first.ephemeral}:{first.at.timestamp() if first.at else 0:.0f}"
    if first.edited is not None:
        return f"telegram:{name}:{first.message}:{first.edited}"
    if first.album is None:
        return f"telegram:{name}:{first.message}"
    return f"telegram:{name}:{first.album}:{first.message}" if late else f"telegram:{name}:{first.album}"
