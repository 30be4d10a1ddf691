"""`likeness made-here FILE` and the page: what a picture carries, for anybody, and nothing of it is kept."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from PIL import Image
from starlette.applications import Starlette

from bot.channels.web.cookies import Sessions
from bot.cli.made_here import made_here
from bot.made_here import PATH, POSTS_PER_MINUTE, made_here_routes
from providers.media.labels import Label, SourceType, labelled
from providers.media.watermark import watermarked
from tests.providers.media.pictures import encoded, scene

NUMBER = "5f3f7d0e-6a0c-4c7e-9f2b-1d2b7a8c4e11"
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def plain() -> bytes:
    return encoded(scene(320, 240), "PNG")


def with_label(producer: str = "Likeness") -> bytes:
    return labelled(plain(), Label(source=SourceType.GENERATED, produce_id=NUMBER, created=NOW, producer=producer))


def with_watermark() -> bytes:
    return watermarked(plain(), NUMBER)


@pytest.mark.parametrize(
    ("data", "made", "number"),
    [
        (plain(), False, None),
        (with_label(), True, NUMBER),
        (with_watermark(), True, "5f3f7d0e6"),
        (with_label("Others"), False, None),
    ],
    ids=["nothing", "label", "watermark", "another's label"],
)
def test_the_command_tells_what_a_file_carries(tmp_path: Path, data: bytes, made: bool, number: str | None) -> None:
    (tmp_path / "a.png").write_bytes(data)
    done = CliRunner().invoke(made_here, [str(tmp_path / "a.png"), "--json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["made_here"], told["number"]) == (0, made, number)


def test_the_command_fails_where_there_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    for name in ("a.txt", "missing.png"):
        done = CliRunner().invoke(made_here, [str(tmp_path / name), "--json"])
        assert done.exit_code == 1
        assert json.loads(done.stdout)["success"] is False


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    sessions = Sessions(secret=b"x" * 32)
    routes = made_here_routes(sessions=sessions, folder=tmp_path / "u", producer="Likeness", public_origin=None)
    transport = httpx.ASGITransport(app=Starlette(routes=routes), client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://likeness.example") as client:
        yield client


async def test_the_page_answers_in_both_languages_and_keeps_nothing(page: httpx.AsyncClient, tmp_path: Path) -> None:
    shown = await page.get(PATH)
    assert shown.status_code == 200
    assert "script" not in shown.text
    assert "http" not in shown.text
    yes = await page.post(PATH, files={"photos": ("a.png", with_watermark())})
    assert "5f3f7d0e6" in yes.text
    no = await page.post(PATH, files={"photos": ("a.png", plain())}, headers={"accept-language": "zh"})
    assert "没有找到" in no.text
    assert not list((tmp_path / "u").rglob("*"))


async def test_what_a_label_says_is_shown_as_text(page: httpx.AsyncClient) -> None:
    """The producer's name is somebody else's word."""
    answer = await page.post(PATH, files={"photos": ("a.png", with_label("<script>x</script>"))})
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("files", "headers", "status"),
    [
        ({}, {}, 415),
        ({"photos": ("a.png", b"no picture")}, {}, 400),
        ({"photos": ("a.png", b"x" * 30_000_000)}, {}, 413),
        ({"photos": ("a.png", b"x")}, {"origin": "https://evil.example"}, 403),
    ],
    ids=["nothing", "no picture", "too large", "another site"],
)
async def test_what_cannot_be_looked_at_is_said(
    page: httpx.AsyncClient,
    tmp_path: Path,
    files: dict[str, tuple[str, bytes]],
    headers: dict[str, str],
    status: int,
) -> None:
    answer = await page.post(PATH, files=files, headers=headers)
    assert answer.status_code == status
    assert not list((tmp_path / "u").rglob("*.*"))


async def test_an_address_looks_only_so_often(page: httpx.AsyncClient) -> None:
    statuses = [(await page.post(PATH)).status_code for _ in range(POSTS_PER_MINUTE + 2)]
    assert statuses[-1] == 429


def test_a_large_picture_is_looked_at_small(tmp_path: Path) -> None:
    Image.new("RGB", (6000, 5000), "gray").save(tmp_path / "big.jpg")
    done = CliRunner().invoke(made_here, [str(tmp_path / "big.jpg"), "--json"])
    assert json.loads(done.stdout)["made_here"] is False
