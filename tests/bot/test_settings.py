"""Settings: what `.env.example` promises is what the program reads."""

import re
from pathlib import Path

import pytest

from bot.settings import Settings

ROOT = Path(__file__).parents[2]
ALIASES = {"fal_key": "FAL_KEY"}


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    return dict(re.fullmatch(r"([A-Z0-9_]+)=(.*)", line).groups() for line in lines if line and line[0] != "#")  # type: ignore[union-attr,misc]


def settings(**values: str) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in example():
        monkeypatch.delenv(name, raising=False)


def test_every_setting_stands_in_the_example_and_every_line_there_is_a_setting() -> None:
    names = {ALIASES.get(name, name.upper()) for name in Settings.model_fields}
    assert set(example()) == names


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    from_example = Settings(_env_file=ROOT / ".env.example")
    assert from_example == settings()


def test_preferences_are_read_from_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDERS_PREFERRED", "fal, openai")
    monkeypatch.setenv("PROVIDERS_WEIGHTS", "fal=0.7, openai=0.3")
    monkeypatch.setenv("FAL_API_KEY", "k")
    read = settings()
    assert read.providers_preferred == ("fal", "openai")
    assert read.providers_weights == {"fal": 0.7, "openai": 0.3}
    assert read.fal_key is not None


def test_secrets_do_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "very-secret")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "12:very-secret")
    assert "very-secret" not in repr(settings())


def test_a_base_url_is_a_trusted_origin_and_nothing_else_private_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_QUEUE_URL", "http://127.0.0.1:9000/proxy")
    origins = settings().trusted_origins
    assert ("127.0.0.1", 9000) in origins
    assert ("127.0.0.1", 9001) not in origins


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("sqlite:////tmp/x.sqlite", "sqlite:////tmp/x.sqlite"),
    ],
)
def test_a_database_address_is_taken_as_people_write_it(monkeypatch: pytest.MonkeyPatch, given: str, read: str) -> None:
    monkeypatch.setenv("DATABASE_URL", given)
    assert settings().database == read
