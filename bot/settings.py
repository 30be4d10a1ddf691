"""Every setting of the bot, from the environment or `.env`. `.env.example` lists them with their defaults."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from providers.settings import ProviderSettings

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")
"""43 characters of base64; the console makes them of letters and digits."""
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
"""Bot API, setWebhook: secret_token."""


class Settings(ProviderSettings):
    """Names are the environment's in lower case; those of the picture makers are in `providers/settings.py`."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True)

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    public_url: str | None = None
    database_url: str | None = None

    telegram_bot_token: SecretStr | None = None
    telegram_api_url: str = "https://api.telegram.org"
    telegram_mode: Literal["polling", "webhook"] = "polling"
    telegram_webhook_secret: SecretStr | None = None

    wechat_app_id: str | None = None
    wechat_app_secret: SecretStr | None = None
    wechat_token: SecretStr | None = None
    wechat_encoding_aes_key: SecretStr | None = None
    wechat_encoding_aes_key_previous: SecretStr | None = None
    wechat_api_url: str = "https://api.weixin.qq.com"

    intent_llm_base_url: str | None = None
    intent_llm_api_key: SecretStr | None = None
    intent_llm_model: str | None = None
    intent_llm_daily_usd: float = Field(0.50, ge=0)

    confirm_above_usd: float = Field(2.00, ge=0)
    worker_concurrency: int = Field(256, ge=1)
    retention_days: int = Field(30, ge=1)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @field_validator("telegram_mode", "log_level", "log_format", mode="before")
    @classmethod
    def _in_lower_case(cls, value: object) -> object:
        """`LOG_LEVEL=INFO` is as usual as `info`."""
        return value.strip().lower() if isinstance(value, str) else value

    @property
    def telegram_ready(self) -> bool:
        """Whether the Telegram channel can be built from these settings."""
        return self.telegram_bot_token is not None and (self.telegram_mode == "polling" or bool(self.public_url))

    @property
    def wechat_ready(self) -> bool:
        """Whether the WeChat channel can be built from these settings."""
        return bool(self.wechat_app_id and self.wechat_app_secret and self.wechat_token) and not self._bad_keys()

    def _bad_keys(self) -> list[str]:
        keys = {
            "WECHAT_ENCODING_AES_KEY": self.wechat_encoding_aes_key,
            "WECHAT_ENCODING_AES_KEY_PREVIOUS": self.wechat_encoding_aes_key_previous,
        }
        return [name for name, key in keys.items() if key and not _AES_KEY.fullmatch(key.get_secret_value())]

    def problems(self) -> list[str]:
        """Settings that do not fit together, as sentences for the operator: names only, never values."""
        found = []
        wechat = (self.wechat_app_id, self.wechat_app_secret, self.wechat_token)
        if any(wechat) and not all(wechat):
            found.append("WECHAT_APP_ID, WECHAT_APP_SECRET and WECHAT_TOKEN belong together; WeChat stays off")
        elif any(wechat):
            found += [f"{name} is not 43 letters and digits; WeChat stays off" for name in self._bad_keys()]
        if self.telegram_bot_token is not None and not self.telegram_ready:
            found.append("TELEGRAM_MODE=webhook needs PUBLIC_URL; Telegram stays off")
        secret = self.telegram_webhook_secret
        if secret and self.telegram_mode == "webhook" and not _WEBHOOK_SECRET.fullmatch(secret.get_secret_value()):
            found.append("TELEGRAM_WEBHOOK_SECRET is not 1 to 256 of A-Z a-z 0-9 _ -; Telegram refuses it")
        if self.public_url and not self.public_url.startswith(("https://", "http://")):
            found.append("PUBLIC_URL does not begin with https://; links and webhooks do not work")
        second = (self.intent_llm_base_url, self.intent_llm_api_key, self.intent_llm_model)
        if any(second) and not all(second):
            found.append(
                "INTENT_LLM_BASE_URL, INTENT_LLM_API_KEY and INTENT_LLM_MODEL belong together; "
                "the second reader stays off"
            )
        return found

    @property
    def inbox_dir(self) -> Path:
        """Photos as they came, until they are accepted."""
        return self.data_dir / "inbox"

    @property
    def photos_dir(self) -> Path:
        """Accepted photos, a folder a person."""
        return self.data_dir / "photos"

    @property
    def database(self) -> str:
        """The SQLAlchemy address of our tables."""
        if self.database_url:
            return self.database_url.replace("postgres://", "postgresql://", 1).replace(
                "postgresql://", "postgresql+psycopg://", 1
            )
        return f"sqlite:///{(self.data_dir / 'likeness.sqlite').resolve()}"
