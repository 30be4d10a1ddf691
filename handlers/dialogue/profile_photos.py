"""A person's own profile photo as the photo of their request, where they say so and the channel can see it.

It is asked for by nobody but its owner, in words or by a tap, each time anew, and is then a photo of theirs like one
they sent: kept as long, and forgotten with them.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from handlers.channel import DeliveryError, HasProfilePhotos
from handlers.message import Chat, Message
from intent import parse, with_profile_photo
from providers.media.files import delete_quietly
from providers.media.threads import in_thread

CHOICE = "profile_photo"


@dataclass(frozen=True, kw_only=True)
class ProfilePhotos:
    """`channels`: those that can see profile photos."""

    channels: Mapping[str, HasProfilePhotos] = field(default_factory=dict)

    def seen(self, chat: Chat) -> bool:
        return chat.channel in self.channels

    @asynccontextmanager
    async def brought(self, message: Message, *, lying: int) -> AsyncIterator[tuple[Message, str | None]]:
        """The message with the profile photo it asks for, or as it is; and the key of a sentence if it asks for one
        that cannot be had. `lying`: how many photos of this person lie there."""
        text = wished(message, lying)
        if text is None:
            yield message, None
        elif (channel := self.channels.get(message.chat.channel)) is None:
            yield message, "say.profile_photo_not_here"
        else:
            try:
                photo = await channel.profile_photo(message.chat, key=message.key)
            except DeliveryError:
                yield message, "say.profile_photo_away"
                return
            if photo is None:
                yield message, "say.profile_photo_none"
                return
            try:
                yield replace(message, text=text, choice=None, photos=(photo, *message.photos)), None
            finally:
                await in_thread(delete_quietly, {photo.path})


def wished(message: Message, lying: int) -> str | None:
    """The message's words as they are with the photo there; None if it does not ask for it."""
    if message.choice is not None:
        return "" if message.choice == CHOICE else None
    here = lying + len(message.photos) + len(message.quoted_photos) + bool(message.quoted_job)
    text = with_profile_photo(message.text, photos=here)
    # "May you use my profile photo?" would be a question about what is kept.
    return "" if text is not None and parse(text, photos=1).operation == "command" else text
