"""Settings of the picture makers, from the environment or `.env`. `bot/settings.py` adds the rest."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from providers.preferences import Priority


def _commas(value: object) -> object:
    return [v.strip() for v in value.split(",") if v.strip()] if isinstance(value, str) else value


class ProviderSettings(BaseSettings):
    """Field names are the environment's, in lower case. Secrets never print."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True)

    data_dir: Path = Path("data")
    database_url: str | None = None
    """`postgresql://…`; None for SQLite under `data_dir`."""
    output_dir: Path = Path("output/images")
    budget_bot_daily_usd: Decimal | None = Field(default=None, ge=0, allow_inf_nan=True)
    """The most that may be spent in a day (UTC); None where nothing is said, infinity for `unlimited`."""

    fal_key: SecretStr | None = Field(default=None, validation_alias=AliasChoices("FAL_KEY", "FAL_API_KEY"))
    fal_queue_url: str = "https://queue.fal.run"

    openai_api_key: SecretStr | None = None
    openai_base_url: str = "https://api.openai.com/v1"
    openai_model: str | None = None
    openai_partial_images: int = Field(default=3, ge=0, le=3)
    """Previews at most while a picture is made, where somebody looks on; never more than a tenth of its price."""
    stability_api_key: SecretStr | None = None
    stability_base_url: str = "https://api.stability.ai"
    stability_model: str | None = None
    bfl_api_key: SecretStr | None = None
    bfl_base_url: str = "https://api.bfl.ai"
    bfl_model: str | None = None
    replicate_api_token: SecretStr | None = None
    replicate_base_url: str = "https://api.replicate.com/v1"
    replicate_model: str | None = None
    openrouter_api_key: SecretStr | None = None
    openrouter_base_url: str = "https://openrouter.ai/api/v1"
    openrouter_model: str | None = None
    dashscope_api_key: SecretStr | None = None
    dashscope_base_url: str = "https://dashscope.aliyuncs.com/api/v1"
    dashscope_model: str | None = None
    stable_diffusion_local_base_url: str | None = None
    stable_diffusion_local_auth: SecretStr | None = None
    """`user:password` of AUTOMATIC1111's --api-auth."""
    stable_diffusion_model: str | None = None
    """The checkpoint; None for the first that the server lists."""
    comfyui_graphs_dir: Path | None = None
    """A folder of graphs of one's own."""

    likeness_font: Path | None = None
    """A font file for text on pictures, tried before the system's."""

    likeness_models: Path | None = None
    """The folder with the networks' files; None for `share/likeness/models` of the Python environment."""
    likeness_cutout_model: Path | None = None
    """An own ONNX network for cut-outs."""
    likeness_cutout_kind: str = "modnet"
    """How that network wants its picture: `modnet`, `u2net`, `isnet` or `birefnet`."""
    poll_scale: float = Field(default=1.0, gt=0)
    """Multiplies every wait between two looks at a running job."""

    label_visible: Literal["off", "on", "auto"] = "auto"
    """The visible mark on pictures; `auto`: in WeChat and where the person writes Chinese."""
    label_watermark: Literal["off", "on"] = "off"
    """The invisible watermark in the pixels of every picture; its file is then encoded anew."""
    label_c2pa_certificate: Path | None = None
    label_c2pa_key: Path | None = None
    """Files in PEM (the certificate first, its issuers after it) by which pictures are signed; None for not at all."""
    label_clean: Literal["off", "on"] = "off"
    """Under pictures with the visible mark, a button for the file without it."""
    label_producer: str = "Likeness"
    """Who the labels in pictures name: a name, or the 27-character code of a registered provider."""
    providers_priority: Priority = Priority.QUALITY
    """What decides who is asked where nothing else does."""
    face_consent: Literal["operator", "ask"] = "operator"
    """`ask`: in a chat, before the first photo is worked on, the person says that whoever it shows agreed."""
    likeness_free_retry: Literal["off", "on"] = "off"
    """`on`: where a paid picture plainly shows another face than the photo, one more try is offered on the operator."""
    photo_advice: Literal["off", "ask"] = "ask"
    """`ask`: in a chat, a photo that could be better is told of before a picture of a face is paid for."""
    providers_consent: Literal["operator", "ask"] = "operator"
    """`ask`: in a chat, another company is asked only after the person agreed. The command line is the operator."""
    moderation_base_url: str | None = None
    """A moderation endpoint in OpenAI's form, with its version; None for the built-in policy alone."""
    moderation_api_key: SecretStr | None = None
    moderation_model: str = ""
    moderation_pictures: Literal["off", "on"] = "off"
    """The look at pixels on this machine (`providers/moderation/nudity.py`)."""
    moderation_company: str = ""
    """Who runs it, as people read it."""
    job_deadline_seconds: float = Field(default=900.0, gt=0)
    """For a whole request, fallbacks included."""
    breaker_failures: int = Field(default=3, ge=1)
    breaker_seconds: float = Field(default=60.0, gt=0)

    providers_preferred: Annotated[tuple[str, ...], NoDecode] = ()
    providers_weights: Annotated[dict[str, float], NoDecode] = {}
    providers_blocked: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("budget_bot_daily_usd", mode="before")
    @classmethod
    def _unlimited(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.strip().lower() in ("nan", "-nan", "snan"):
            raise ValueError("not a number")
        return Decimal("Infinity") if value.strip().lower() == "unlimited" else value

    @field_validator("providers_preferred", "providers_blocked", mode="before")
    @classmethod
    def _lists(cls, value: object) -> object:
        return _commas(value)

    @field_validator("providers_weights", mode="before")
    @classmethod
    def _weights(cls, value: object) -> object:
        """`fal=0.7,openai=0.3`."""
        if not isinstance(value, str):
            return value
        pairs = (part.partition("=") for part in value.split(",") if part.strip())
        return {name.strip(): weight.strip() for name, _, weight in pairs}

    @property
    def database(self) -> str:
        """The address of the bot's tables, as SQLAlchemy takes it."""
        if self.database_url:
            return self.database_url.replace("postgres://", "postgresql://", 1).replace(
                "postgresql://", "postgresql+psycopg://", 1
            )
        return f"sqlite:///{(self.data_dir / 'likeness.sqlite').resolve()}"

    @property
    def daily_budget(self) -> Decimal | None:
        """What the operator said that may be spent in a day; None for no limit."""
        said = self.budget_bot_daily_usd
        return said if said is not None and said.is_finite() else None

    @property
    def trusted_origins(self) -> frozenset[tuple[str, int]]:
        """(host, port) of the base URLs in force: the only private addresses a download may come from."""
        urls = [str(v) for k, v in self if k.endswith("_url") and v]
        parts = [urlsplit(u) for u in urls if u.startswith(("http://", "https://"))]
        return frozenset((p.hostname, p.port or (443 if p.scheme == "https" else 80)) for p in parts if p.hostname)
