"""Every setting of the bot, from the environment or `.env`. `.env.example` lists them with their defaults."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from providers.settings import ProviderSettings


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
