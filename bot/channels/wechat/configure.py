"""The channel from the settings. Imported only where an account is configured: it loads wechatpy."""

from bot.channels.wechat.channel import WeChatChannel
from bot.metrics import Metrics
from bot.settings import Settings
from handlers.foreground import ForegroundGate
from handlers.store.base import Store


def wechat_channel(
    settings: Settings, *, store: Store, metrics: Metrics, secret: bytes, calm: ForegroundGate | None = None
) -> WeChatChannel:
    """Needs `wechat_app_id`, `wechat_app_secret` and `wechat_token`. Raises ValueError for a key that is none."""
    if not (settings.wechat_app_id and settings.wechat_app_secret and settings.wechat_token):
        raise ValueError("WECHAT_APP_ID, WECHAT_APP_SECRET and WECHAT_TOKEN belong together")
    keys = (settings.wechat_encoding_aes_key, settings.wechat_encoding_aes_key_previous)
    return WeChatChannel(
        store=store,
        metrics=metrics,
        data_dir=settings.data_dir,
        secret=secret,
        app_id=settings.wechat_app_id,
        app_secret=settings.wechat_app_secret,
        token=settings.wechat_token,
        keys=tuple(key for key in keys if key),
        api_url=settings.wechat_api_url,
        public_url=settings.public_url,
        calm=calm,
    )
