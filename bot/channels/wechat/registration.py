"""A WeChat official account among the channels."""

from bot.channels.registry import Ground, Registration
from bot.channels.wechat.settings import WeChatSettings
from handlers.channel import Channel


def _build(ground: Ground) -> Channel:
    from bot.channels.wechat.channel import WeChatChannel

    settings = ground.settings.part(WeChatSettings)
    if not (settings.wechat_app_id and settings.wechat_app_secret and settings.wechat_token):
        raise ValueError("WECHAT_APP_ID, WECHAT_APP_SECRET and WECHAT_TOKEN belong together")
    keys = (settings.wechat_encoding_aes_key, settings.wechat_encoding_aes_key_previous)
    return WeChatChannel(
        store=ground.store,
        metrics=ground.metrics,
        data_dir=ground.settings.data_dir,
        secret=ground.secret,
        app_id=settings.wechat_app_id,
        app_secret=settings.wechat_app_secret,
        token=settings.wechat_token,
        keys=tuple(key for key in keys if key),
        api_url=settings.wechat_api_url,
        public_url=settings.public_url,
        calm=ground.foreground,
    )


REGISTRATION = Registration(
    name="wechat", settings=WeChatSettings, build=_build, unasked=False, marked=True, noisy=("httpx", "httpcore")
)
