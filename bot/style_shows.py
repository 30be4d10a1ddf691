"""Where styles are shown before they are chosen: the numbered sheets of chats, and the gallery of the page."""

from bot.channels.registry import registered
from bot.settings import Settings
from handlers.channel import Channel
from handlers.dialogue.access import Access
from handlers.dialogue.previews import Previews
from handlers.dialogue.quote_cache import RecentQuotes
from handlers.dialogue.style_gallery import StyleGallery
from handlers.jobs.plan import quoted
from handlers.jobs.visible_marks import VisibleMarks
from handlers.message import Chat
from handlers.store.base import Store
from handlers.style_previews import StylePreviews
from handlers.styles_shown import ShowsStyles
from providers.base import Provider
from providers.offers import Tier
from providers.router import Router


def sheets_of_styles(
    settings: Settings, store: Store, router: Router, channels: dict[str, Channel], marks: VisibleMarks
) -> Previews | None:
    """Where the free provider is there, in the chats that can show a picture that is no result."""
    provider = _free(router)
    if provider is None:
        return None
    shows = {registration.name for registration in registered() if registration.previews}
    return Previews(
        styles=StylePreviews(provider=provider, producer=router.producer),
        channels={name: channel for name, channel in channels.items() if name in shows},
        unasked={registration.name for registration in registered() if registration.unasked},
        store=store,
        folder=settings.data_dir.absolute() / "previews",
        photos_dir=settings.photos_dir.absolute(),
        marks=marks,
    )


def show_styles(
    settings: Settings, store: Store, router: Router, channels: dict[str, Channel], marks: VisibleMarks
) -> None:
    """For the channels that have a place for all styles at once."""
    free = _free(router)

    async def of_a_child(chat: Chat) -> bool:
        return (await store.session(chat)).child

    gallery = StyleGallery(
        quote=RecentQuotes(quoted(router)),
        allowed=Access(store, settings.access_rules).may_preview,
        of_a_child=of_a_child,
        marks=marks,
        folder=settings.data_dir.absolute() / "previews",
        previews=StylePreviews(provider=free, producer=router.producer) if free else None,
    )
    for channel in channels.values():
        if isinstance(channel, ShowsStyles):
            channel.show_styles(gallery)


def _free(router: Router) -> Provider | None:
    """Who makes pictures on this machine."""
    return next((p for p in router.providers if p.tier is Tier.LOCAL), None)
