"""The web page among the channels."""

from bot.channels.registry import Ground, Registration
from bot.channels.web.settings import WebSettings
from handlers.channel import Channel


def _build(ground: Ground) -> Channel:
    from bot.channels.web.channel import WebChannel
    from bot.channels.web.cookies import Sessions

    public_url = ground.settings.part(WebSettings).public_url
    channel = WebChannel(
        store=ground.store,
        sessions=Sessions(secret=ground.secret, https=(public_url or "").startswith("https:")),
        metrics=ground.metrics,
        data_dir=ground.settings.data_dir,
        public_url=public_url,
    )
    ground.at_end(channel.feed.stop)
    return channel


REGISTRATION = Registration(name="web", settings=WebSettings, build=_build)
