"""The web page among the channels."""

from bot.channels.registry import Ground, Registration
from bot.channels.web.settings import WebSettings
from handlers.channel import Channel
from providers.registry import is_company, services


def _build(ground: Ground) -> Channel:
    from bot.channels.web.channel import WebChannel
    from bot.channels.web.cookies import Sessions
    from bot.channels.web.routes import About

    public_url = ground.settings.part(WebSettings).public_url
    companies = (s.label for s in services().values() if s.configured(ground.settings) and is_company(s.key))
    channel = WebChannel(
        store=ground.store,
        sessions=Sessions(secret=ground.secret, https=(public_url or "").startswith("https:")),
        metrics=ground.metrics,
        data_dir=ground.settings.data_dir,
        public_url=public_url,
        about=About(kept_days=ground.settings.retention_days, companies=tuple(companies)),
    )
    ground.at_end(channel.feed.stop)
    return channel


REGISTRATION = Registration(name="web", settings=WebSettings, build=_build)
