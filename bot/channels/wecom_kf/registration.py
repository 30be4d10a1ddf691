"""WeCom customer service among the channels."""

from bot.channels.registry import Ground, Registration
from bot.channels.wecom_kf.settings import WeComKfSettings
from handlers.channel import Channel


def _build(ground: Ground) -> Channel:
    from bot.channels.wecom_kf.channel import WeComKfChannel

    return WeComKfChannel(
        settings=ground.settings.part(WeComKfSettings),
        store=ground.store,
        metrics=ground.metrics,
        data_dir=ground.settings.data_dir,
        secret=ground.secret,
    )


REGISTRATION = Registration(
    name="wecom_kf",
    settings=WeComKfSettings,
    build=_build,
    previews=False,
    marked=True,
    noisy=("httpx", "httpcore"),
    alone=True,  # messages are pulled one after another
)
