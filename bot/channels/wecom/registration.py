"""A WeCom smart bot among the channels."""

from bot.channels.registry import Ground, Registration
from bot.channels.wecom.settings import WeComSettings
from handlers.channel import Channel


def _build(ground: Ground) -> Channel:
    from bot.channels.wecom.channel import WeComChannel

    return WeComChannel(
        settings=ground.settings.part(WeComSettings),
        store=ground.store,
        metrics=ground.metrics,
        data_dir=ground.settings.data_dir,
        secret=ground.secret,
    )


REGISTRATION = Registration(
    name="wecom",
    settings=WeComSettings,
    build=_build,
    previews=False,  # pictures come only with the last answer of a stream
    marked=True,
    noisy=("httpx", "httpcore", "websockets"),
    alone=True,  # one long connection a bot; a stream is continued where it was begun
)
