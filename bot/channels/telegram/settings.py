"""Telegram's settings."""

import re
from typing import Literal

from pydantic import SecretStr, field_validator

from bot.channels.settings import ChannelSettings

_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
"""Bot API, setWebhook: secret_token."""


class TelegramSettings(ChannelSettings):
    turned_on_by = "TELEGRAM_BOT_TOKEN"
    docs = "docs/telegram.md"

    public_url: str | None = None
    telegram_bot_token: SecretStr | None = None
    telegram_api_url: str = "https://api.telegram.org"
    telegram_mode: Literal["polling", "webhook"] = "polling"
    telegram_webhook_secret: SecretStr | None = None

    @field_validator("telegram_mode", mode="before")
    @classmethod
    def _mode_in_lower_case(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    def is_set(self) -> bool:
        return self.telegram_bot_token is not None

    def is_ready(self) -> bool:
        return self.is_set() and (self.telegram_mode == "polling" or bool(self.public_url))

    def what_is_wrong(self) -> list[str]:
        found = []
        if self.is_set() and not self.is_ready():
            found.append("TELEGRAM_MODE=webhook needs PUBLIC_URL; Telegram stays off")
        secret = self.telegram_webhook_secret
        if secret and self.telegram_mode == "webhook" and not _WEBHOOK_SECRET.fullmatch(secret.get_secret_value()):
            found.append("TELEGRAM_WEBHOOK_SECRET is not 1 to 256 of A-Z a-z 0-9 _ -; Telegram refuses it")
        return found


SETTINGS = TelegramSettings
