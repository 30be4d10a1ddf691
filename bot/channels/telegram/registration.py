"""Telegram among the channels."""

from bot.channels.registry import Ground, Registration
from bot.channels.telegram.settings import TelegramSettings
from handlers.channel import Channel


def _build(ground: Ground) -> Channel:
    from bot.channels.telegram.channel import TelegramChannel

    settings = ground.settings.part(TelegramSettings)
    if settings.telegram_bot_token is None:
        raise ValueError("TELEGRAM_BOT_TOKEN is not set")
    webhook_secret = settings.telegram_webhook_secret
    return TelegramChannel(
        token=settings.telegram_bot_token.get_secret_value(),
        store=ground.store,
        metrics=ground.metrics,
        data_dir=ground.settings.data_dir,
        api_url=settings.telegram_api_url,
        mode=settings.telegram_mode,
        public_url=settings.public_url,
        app_secret=ground.secret,
        foreground=ground.foreground,
        webhook_secret=webhook_secret.get_secret_value() if webhook_secret else None,
    )


REGISTRATION = Registration(
    name="telegram", settings=TelegramSettings, build=_build, noisy=("httpx", "httpcore", "telegram")
)
