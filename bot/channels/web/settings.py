"""The web page's settings: it is always on."""

from bot.channels.settings import ChannelSettings


class WebSettings(ChannelSettings):
    public_url: str | None = None


SETTINGS = WebSettings
