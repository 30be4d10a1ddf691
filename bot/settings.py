"""Every setting of the bot, from the environment or `.env`. `.env.example` lists them with their defaults."""

from decimal import Decimal
from pathlib import Path
from types import new_class
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar, cast

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from bot.access import access_rules, bot_budget, problems_of_access
from bot.channels.settings import ChannelSettings, channel_settings
from handlers.dialogue.access import AccessRules
from handlers.store.records import Budgets, Ceilings
from handlers.store.sql.connections import LEAST, USUAL
from providers.media.store import FolderStore
from providers.settings import ProviderSettings

S = TypeVar("S", bound=ChannelSettings)

if TYPE_CHECKING:
    _Channels = BaseModel
else:
    _Channels = new_class("_Channels", channel_settings())


class Settings(ProviderSettings, _Channels):
    """Names are the environment's in lower case; those of the providers are in `providers/settings.py`, those of each
    channel in its folder's `settings.py`."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True)

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    public_url: str | None = None
    metrics_token: SecretStr | None = None
    admin_password: SecretStr | None = Field(None, min_length=12)
    """Of the page at /admin, which is there only with it."""

    intent_llm_base_url: str | None = None
    intent_llm_api_key: SecretStr | None = None
    intent_llm_model: str | None = None
    intent_llm_daily_usd: float = Field(0.50, ge=0)

    access: Literal["open", "invite", "list"] = "open"
    """Who gets pictures: everybody, people with a code, or people on a list."""
    access_allow: Annotated[frozenset[str], NoDecode] = frozenset()
    access_block: Annotated[frozenset[str], NoDecode] = frozenset()
    access_codes: SecretStr = SecretStr("")
    admins: Annotated[tuple[str, ...], NoDecode] = ()
    trial_pictures: int = Field(0, ge=0)
    pictures_bot_daily: int | None = Field(None, ge=0)
    pictures_bot_monthly: int | None = Field(None, ge=0)
    pictures_chat_daily: int | None = Field(None, ge=0)
    pictures_chat_monthly: int | None = Field(None, ge=0)
    pictures_person_daily: int | None = Field(None, ge=0)
    pictures_person_monthly: int | None = Field(None, ge=0)
    pictures_address_daily: int | None = Field(None, ge=0)
    pictures_address_monthly: int | None = Field(None, ge=0)
    wishes_person_per_minute: int | None = Field(20, ge=1)
    wishes_chat_per_minute: int | None = Field(60, ge=1)
    wishes_address_per_minute: int | None = Field(60, ge=1)

    confirm_above_usd: float = Field(2.00, ge=0)
    budget_chat_daily_usd: Decimal | None = Field(None, ge=0)
    budget_person_daily_usd: Decimal | None = Field(None, ge=0)
    budget_address_daily_usd: Decimal | None = Field(None, ge=0)
    budget_bot_monthly_usd: Decimal | None = Field(None, ge=0)
    budget_chat_monthly_usd: Decimal | None = Field(None, ge=0)
    budget_person_monthly_usd: Decimal | None = Field(None, ge=0)
    budget_address_monthly_usd: Decimal | None = Field(None, ge=0)
    front_processes: int = Field(0, ge=0, le=64)
    """That take messages, beside a process that makes the pictures; 0: one process does both."""
    worker_concurrency: int = Field(320, ge=1)
    media_url: str | None = None
    media_endpoint: str | None = None
    media_region: str | None = None
    media_access_key_id: SecretStr | None = None
    media_secret_access_key: SecretStr | None = None
    media_virtual_hosted: bool = False
    installation_secret: SecretStr | None = Field(None, min_length=32)
    database_wait_seconds: float = Field(60, ge=0)
    database_connections: int = Field(USUAL, ge=LEAST)
    retention_days: int = Field(30, ge=1)
    intent_keep_messages: bool = False

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    otel_exporter_otlp_endpoint: str | None = None

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _in_lower_case(cls, value: object) -> object:
        """`LOG_LEVEL=INFO` is accepted like `info`."""
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("access_allow", "access_block", "admins", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    def part(self, kind: type[S]) -> S:
        """A channel's part of them."""
        values = {name: getattr(self, name) for name in kind.model_fields}
        return cast(S, kind.model_construct(**values))

    def problems(self) -> list[str]:
        """Settings that contradict each other, as sentences for the operator: names only, never values."""
        found = []
        for kind in channel_settings():
            found += self.part(kind).what_is_wrong()
        if self.media_url and not self.media_url.startswith("s3://"):
            found.append("MEDIA_URL must be s3://BUCKET or s3://BUCKET/PREFIX; empty: the folders of this machine")
        if self.public_url and not self.public_url.startswith(("https://", "http://")):
            found.append("PUBLIC_URL does not begin with https://; links and webhooks do not work")
        second = (self.intent_llm_base_url, self.intent_llm_api_key, self.intent_llm_model)
        if any(second) and not all(second):
            found.append(
                "INTENT_LLM_BASE_URL, INTENT_LLM_API_KEY and INTENT_LLM_MODEL belong together; "
                "the second reader stays off"
            )
        return found + problems_of_access(self)

    @property
    def access_rules(self) -> AccessRules:
        return access_rules(self)

    @property
    def budgets(self) -> Budgets:
        """The most that may be spent in a day and in a month."""
        return Budgets(
            bot=bot_budget(self),
            chat=self.budget_chat_daily_usd,
            person=self.budget_person_daily_usd,
            address=self.budget_address_daily_usd,
            monthly=Ceilings(
                bot=self.budget_bot_monthly_usd,
                chat=self.budget_chat_monthly_usd,
                person=self.budget_person_monthly_usd,
                address=self.budget_address_monthly_usd,
            ),
        )

    @property
    def media(self) -> FolderStore:
        """Where photos and pictures are stored, and how stored values name them: made anew at each call."""
        if not self.media_url:
            return FolderStore(data=self.data_dir, pictures=self.output_dir)
        from bot.bucket import bucket_store

        return bucket_store(self)

    @property
    def photos_dir(self) -> Path:
        """Accepted photos, a folder per person."""
        return self.data_dir / "photos"
