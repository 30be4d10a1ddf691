"""The options of the contract's table, over fakes of the services: what each makes of a call, and what comes back."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from providers import (
    edit_image,
    generate_image,
    generate_portrait,
    generate_series,
    remove_background,
    resume_request,
    transfer_style,
    upscale_image,
    variate_image,
)
from providers.api.options import Options
from providers.settings import ProviderSettings
from providers.task import SCALES
from tests.providers.conftest import settings_with
from tests.servers.a1111 import FakeA1111
from tests.servers.bfl import FakeBfl
from tests.servers.fal import KEY as FAL_KEY
from tests.servers.fal import FakeFal
from tests.servers.openai import FakeOpenAI
from tests.servers.service import KEY
from tests.servers.stability import FakeStability


@pytest.fixture(scope="module")
def _openai() -> Iterator[FakeOpenAI]:
    with FakeOpenAI.serving() as fake:
        yield fake


@pytest.fixture(scope="module")
def _stability() -> Iterator[FakeStability]:
    with FakeStability.serving() as fake:
        yield fake


@pytest.fixture(scope="module")
def _bfl() -> Iterator[FakeBfl]:
    with FakeBfl.serving() as fake:
        yield fake


@pytest.fixture
def openai(_openai: FakeOpenAI) -> FakeOpenAI:
    _openai.reset()
    return _openai


@pytest.fixture
def stability(_stability: FakeStability) -> FakeStability:
    _stability.reset()
    return _stability


@pytest.fixture
def bfl(_bfl: FakeBfl) -> FakeBfl:
    _bfl.reset()
    return _bfl


@pytest.fixture
def both(fal: FakeFal, openai: FakeOpenAI, tmp_path: Path) -> ProviderSettings:
    """fal and OpenAI, fal first."""
    return at(tmp_path, providers_preferred=("fal",), **of_fal(fal), **of_openai(openai))


def at(folder: Path, **more: Any) -> ProviderSettings:
    values = {"data_dir": folder / "data", "output_dir": folder / "pictures", "poll_scale": 0.01}
    return settings_with(**{**values, **more})


def of_fal(fal: FakeFal) -> dict[str, Any]:
    return {"fal_key": FAL_KEY, "fal_queue_url": fal.url}


def of_openai(openai: FakeOpenAI) -> dict[str, Any]:
    return {"openai_api_key": KEY, "openai_base_url": openai.url}


def of_stability(stability: FakeStability) -> dict[str, Any]:
    return {"stability_api_key": KEY, "stability_base_url": stability.url}


def of_bfl(bfl: FakeBfl) -> dict[str, Any]:
    return {"bfl_api_key": KEY, "bfl_base_url": bfl.url}


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    found = image.convert("RGB").getpixel((x, y))
    assert isinstance(found, tuple)
    return found


def turns(result: Any) -> list[tuple[str, str, str | None]]:
    return [(turn["provider"], turn["outcome"], turn["code"]) for turn in result["tried"]]


# --- what is done


async def test_a_mask_goes_to_openai_and_only_what_is_white_is_changed(
    openai: FakeOpenAI, photo: Path, tmp_path: Path
) -> None:
    mask = Image.new("L", (300, 400), 0)
    mask.paste(255, (0, 0, 300, 100))
    mask.save(tmp_path / "mask.png")
    settings = at(tmp_path, **of_openai(openai))
    result = await edit_image(photo, "a hat", "local_edit", mask=tmp_path / "mask.png", settings=settings)
    assert result["success"], result
    assert set(openai.sent[-1].files) >= {"mask"}
    with Image.open(result["images"][0]["local_path"]) as made, Image.open(photo) as before:
        assert made.size == before.size
        kept = zip(pixel(made, 150, 390), pixel(before, 150, 390), strict=True)
        assert max(abs(one - other) for one, other in kept) <= 2  # as a JPEG is


@pytest.mark.parametrize("sides", [{"left": 200, "top": 80}, "left=200, top=80"])
async def test_sides_to_add_reach_stability_as_pixels_and_mean_extend(
    stability: FakeStability, photo: Path, tmp_path: Path, sides: Any
) -> None:
    result = await edit_image(photo, outpaint=sides, settings=at(tmp_path, **of_stability(stability)))
    assert result["success"], result
    sent = stability.sent[-1]
    assert sent.path.endswith("edit/outpaint")
    assert {name: int(sent.fields[name]) for name in ("left", "up")} == {"left": 200, "up": 80}
    (image,) = result["images"]
    assert (image["width"], image["height"]) == (500, 480)


@pytest.mark.parametrize("scale", SCALES)
async def test_an_upscale_is_two_or_four_times_as_large_and_no_edit_by_words(
    stability: FakeStability, photo: Path, tmp_path: Path, scale: int
) -> None:
    result = await upscale_image(photo, scale=scale, settings=at(tmp_path, **of_stability(stability)))
    (image,) = result["images"]
    assert (image["width"], image["height"], image["model"]) == (300 * scale, 400 * scale, "fast")
    assert stability.sent[-1].path.endswith("upscale/fast")


async def test_a_scale_alone_means_upscale(stability: FakeStability, photo: Path, tmp_path: Path) -> None:
    result = await edit_image(photo, scale=2, settings=at(tmp_path, **of_stability(stability)))
    assert result["images"][0]["width"] == 600


async def test_so_many_variations_are_made_of_this_very_picture(bfl: FakeBfl, photo: Path, tmp_path: Path) -> None:
    result = await variate_image(photo, count=3, settings=at(tmp_path, **of_bfl(bfl)))
    assert (result["count_generated"], len({i["local_path"] for i in result["images"]})) == (3, 3)
    posted = [sent for sent in bfl.sent if "image_prompt" in sent.fields]
    assert len(posted) == 3


async def test_a_style_transfer_sends_both_pictures(
    stability: FakeStability, photo: Path, second_photo: Path, tmp_path: Path
) -> None:
    result = await transfer_style(photo, second_photo, settings=at(tmp_path, **of_stability(stability)))
    assert result["success"], result
    assert len(stability.sent[-1].files) == 2


@pytest.mark.parametrize("way", ["function", "option"])
async def test_a_background_is_removed_not_replaced(
    stability: FakeStability, photo: Path, tmp_path: Path, way: str
) -> None:
    settings = at(tmp_path, **of_stability(stability))
    if way == "function":
        result = await remove_background(photo, settings=settings)
    else:
        result = await edit_image(photo, transparent=True, settings=settings)
    assert result["success"], result
    assert stability.sent[-1].path.endswith("edit/remove-background")
    with Image.open(result["images"][0]["local_path"]) as made:
        assert (made.format, made.mode) == ("PNG", "RGBA")


async def test_more_photos_of_the_person_go_along(
    openai: FakeOpenAI, photo: Path, second_photo: Path, tmp_path: Path
) -> None:
    settings = at(tmp_path, **of_openai(openai))
    result = await generate_portrait(photo, "anime", photos=[second_photo, photo], settings=settings)
    assert result["success"], result
    assert sum(len(parts) for parts in openai.sent[-1].files.values()) == 3


# --- how closely the face is held


async def test_strict_is_made_by_who_holds_an_identity_and_the_result_says_how(
    openai: FakeOpenAI, photo: Path, tmp_path: Path
) -> None:
    settings = at(tmp_path, **of_openai(openai))
    result = await generate_portrait(photo, "anime", consistency="strict", settings=settings)
    held = {"asked": "strict", "given": "strict", "how": "reference photos, read closely"}
    assert result["consistency"] == held
    assert "consistency" not in await generate_portrait(photo, "anime", settings=settings)


async def test_who_holds_no_identity_is_no_candidate_for_strict_and_says_what_it_gave_otherwise(
    photo: Path, tmp_path: Path
) -> None:
    with FakeA1111.running() as server:
        settings = at(tmp_path, stable_diffusion_local_base_url=server.origin)
        refused = await generate_portrait(photo, "hanfu", consistency="strict", provider="local", settings=settings)
        assert (refused["success"], refused["error"]["code"]) == (False, "provider_cannot")
        assert "openai" in refused["could"]
        assert "a1111" not in refused["could"] or server.controlnet is None
        assert server.submits == 0
        result = await generate_portrait(photo, "hanfu", consistency="balanced", provider="local", settings=settings)
        assert result["success"], result
        assert (result["consistency"]["given"], result["consistency"]["how"]) == ("loose", "img2img")


async def test_a_series_holds_the_face_too(fal: FakeFal, settings: ProviderSettings, photo: Path) -> None:
    result = await generate_series(photo, [{"style": "anime"}, {"style": "vintage"}], consistency="strict",
                                   provider="fal", settings=settings)  # fmt: skip
    assert (result["count_generated"], result["consistency"]["given"]) == (2, "strict")


async def test_without_a_photo_there_is_no_face_to_hold(settings: ProviderSettings) -> None:
    result = await generate_portrait(style="anime", consistency="strict", settings=settings)
    assert result["error"]["code"] == "need_photo"


# --- who is asked


async def test_the_first_certainly_did_not_take_it_so_the_next_makes_it_and_the_result_says_so(
    both: ProviderSettings, fal: FakeFal, openai: FakeOpenAI
) -> None:
    fal.plan("402")
    result = await generate_image("a boat", key="mine", settings=both)
    assert turns(result) == [("fal", "not_taken", "provider_credit"), ("openai", "made", None)]
    assert (result["images"][0]["provider"], result["images"][0]["model"]) == ("openai", "gpt-image-2")
    assert (result["cost_source"], result["currency"]) == ("tokens", "USD")
    assert turns(await resume_request("mine", settings=both)) == turns(result)
    assert openai.submits == 1


async def test_an_unknown_outcome_goes_to_nobody_else(both: ProviderSettings, fal: FakeFal, openai: FakeOpenAI) -> None:
    fal.plan("reset_after")
    result = await generate_image("a boat", settings=both)
    assert (result["error"]["code"], turns(result)) == ("outcome_unknown", [("fal", "unknown", "outcome_unknown")])
    assert openai.submits == 0


async def test_a_refusal_of_the_content_goes_to_nobody_else(
    both: ProviderSettings, fal: FakeFal, openai: FakeOpenAI
) -> None:
    fal.plan("policy")
    result = await generate_image("a boat", settings=both)
    assert result["error"]["code"] == "refused_content"
    assert turns(result)[0][::2] == ("fal", "refused_content")
    assert openai.submits == 0


async def test_who_is_named_is_asked_alone(both: ProviderSettings, fal: FakeFal, openai: FakeOpenAI) -> None:
    fal.plan("402")
    result = await generate_image("a boat", provider="fal", settings=both)
    assert (result["error"]["code"], turns(result)) == ("provider_credit", [("fal", "not_taken", "provider_credit")])
    assert openai.submits == 0


@pytest.mark.parametrize(
    ("options", "maker"),
    [
        ({}, "fal"),
        ({"prefer": ["openai"]}, "openai"),
        ({"prefer": "openai,fal"}, "openai"),
        ({"block": ["fal"]}, "openai"),
        ({"weights": {"openai": 1}}, "openai"),
        ({"weights": "openai=1,fal=0"}, "openai"),
        ({"priority": "cost"}, "openai"),
        ({"priority": "speed"}, "fal"),
        ({"model": "openai/gpt-image-1-mini"}, "openai"),
    ],
)
async def test_what_a_call_says_wins_over_the_settings(
    both: ProviderSettings, options: dict[str, Any], maker: str
) -> None:
    result = await generate_image("a boat", settings=both, **options)
    assert [image["provider"] for image in result["images"]] == [maker]


@pytest.mark.parametrize("blocked", ["settings", "call"])
async def test_who_is_blocked_is_not_asked_though_named(fal: FakeFal, settings: ProviderSettings, blocked: str) -> None:
    if blocked == "settings":
        settings = settings.model_copy(update={"providers_blocked": ("fal",)})
    block = ["fal"] if blocked == "call" else []
    result = await generate_image("a boat", provider="fal", block=block, settings=settings)
    assert (result["error"]["code"], result["tried"], fal.asked) == ("provider_blocked", [], [])


async def test_a_call_that_is_resumed_still_blocks_who_it_blocked(
    both: ProviderSettings, fal: FakeFal, openai: FakeOpenAI
) -> None:
    openai.plan("no_credit")
    first = await generate_image("a boat", key="mine", block=["fal"], settings=both)
    assert first["error"]["code"] == "provider_credit"
    assert turns(await resume_request("mine", settings=both)) == [("openai", "made", None)]
    assert fal.submits == 0


async def test_photos_that_must_not_leave_go_to_no_company(both: ProviderSettings, photo: Path, fal: FakeFal) -> None:
    result = await generate_portrait(photo, "anime", priority="privacy", settings=both)
    assert [image["provider"] for image in result["images"]] == ["embedded"]
    assert fal.asked == []


async def test_local_is_whichever_server_answers_and_is_told_by_its_own_key(tmp_path: Path) -> None:
    with FakeA1111.running() as server:
        settings = at(tmp_path, stable_diffusion_local_base_url=server.origin)
        result = await generate_image("a boat", provider="local", settings=settings)
    assert (turns(result), result["total_cost"], result["cost_source"]) == ([("a1111", "made", None)], 0, "free")
    assert result["images"][0]["model"] in server.checkpoints


async def test_a_local_server_that_is_not_there_is_told_as_not_having_taken_it(tmp_path: Path) -> None:
    settings = at(tmp_path, stable_diffusion_local_base_url="http://127.0.0.1:9")
    result = await generate_image("a boat", provider="a1111", settings=settings)
    assert (result["success"], result["error"]["code"]) == (False, "provider_unavailable")
    assert turns(result) == [("a1111", "not_taken", "provider_unavailable")]


# --- money and time


async def test_an_estimate_submits_nothing_and_says_with_whom(
    both: ProviderSettings, fal: FakeFal, openai: FakeOpenAI
) -> None:
    result = await generate_image("a boat", count=6, estimate=True, settings=both)
    estimate = {"usd": 0.9, "seconds": 25.0, "provider": "fal", "model": "fal-ai/nano-banana-pro", "source": "table"}
    assert result == {"success": True, "estimate": estimate}
    assert (fal.asked, openai.sent, list((both.data_dir).glob("requests/*"))) == ([], [], [])
    made = await generate_image("a boat", count=6, settings=both)
    assert (made["estimate_usd"], made["total_cost"], made["cost_source"]) == (0.9, 0.9, "table")


async def test_an_estimate_of_a_series_is_that_of_all_its_pictures(both: ProviderSettings, photo: Path) -> None:
    items: list[dict[str, str | None]] = [{"style": "anime"}, {"style": "vintage"}, {"prompt": "a knight"}]
    result = await generate_series(photo, items, estimate=True, settings=both)
    assert (result["estimate"]["usd"], result["estimate"]["source"]) == (0.45, "table")


async def test_what_nobody_can_do_has_no_estimate_but_who_could(tmp_path: Path) -> None:
    result = await generate_image("a boat", estimate=True, settings=at(tmp_path))
    assert result["error"]["code"] == "no_provider"
    assert {"fal", "openai", "stability"} <= set(result["could"])


async def test_a_budget_that_would_be_passed_submits_nothing(fal: FakeFal, settings: ProviderSettings) -> None:
    settings = settings.model_copy(update={"budget_bot_daily_usd": Decimal("0.2")})
    assert (await generate_image("a boat", settings=settings))["success"]
    result = await generate_image("a boat", settings=settings)
    assert (result["error"]["code"], result["tried"], fal.submits) == ("budget_exceeded", [], 1)


async def test_when_the_time_is_over_what_was_accepted_can_be_resumed_without_a_second_charge(
    fal: FakeFal, settings: ProviderSettings
) -> None:
    fal.plan(never=True)
    short = settings.model_copy(update={"job_deadline_seconds": 1.0})
    result = await generate_image("a boat", key="mine", settings=short)
    assert (result["error"]["code"], turns(result)) == ("deadline", [("fal", "failed", "deadline")])
    (job,) = fal.jobs.values()
    job.plan = type(job.plan)()
    assert (await resume_request("mine", settings=settings))["success"]
    assert fal.submits == 1


async def test_fewer_pictures_than_asked_for_are_a_success_with_the_missing_ones_told(
    fal: FakeFal, settings: ProviderSettings
) -> None:
    fal.plan(pictures=1)
    result = await generate_image("a boat", count=3, settings=settings)
    assert (result["success"], result["count_generated"]) == (True, 1)
    assert [error["code"] for error in result["errors"]] == ["fewer_pictures", "fewer_pictures"]


# --- wrong values


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"outpaint": {"left": 2001}}, "bad_outpaint"),
        ({"outpaint": {"left": 0}}, "bad_outpaint"),
        ({"outpaint": {"middle": 5}}, "bad_outpaint"),
        ({"outpaint": "left=many"}, "bad_outpaint"),
        ({"outpaint": "left=1,left=2"}, "bad_outpaint"),
        ({"scale": 3}, "bad_scale"),
        ({"consistency": "exact"}, "bad_consistency"),
        ({"action": "retouch", "priority": "beauty"}, "bad_priority"),
        ({"action": "retouch", "weights": {"fal": -1}}, "bad_weights"),
        ({"action": "retouch", "weights": "fal=much"}, "bad_weights"),
        ({"action": "retouch", "weights": "fal=inf"}, "bad_weights"),
        ({"action": "retouch", "weights": "falk=1"}, "unknown_provider"),
        ({"action": "retouch", "prefer": ["falk"]}, "unknown_provider"),
        ({"action": "retouch", "block": "fal,falk"}, "unknown_provider"),
        ({"outpaint": {"left": 5}, "transparent": True}, "bad_request"),
        ({"outpaint": {"left": 5}, "action": "retouch"}, "bad_request"),
        ({"scale": 2, "prompt": "brighter"}, "bad_request"),
        ({"scale": 2, "action": "retouch"}, "bad_request"),
        ({"count": 9, "action": "retouch"}, "bad_count"),
    ],
)
async def test_a_wrong_value_is_told_by_its_code_and_nothing_is_sent(
    fal: FakeFal, settings: ProviderSettings, photo: Path, options: dict[str, Any], code: str
) -> None:
    result = await edit_image(photo, settings=settings, **options)
    assert (result["success"], result["error"]["code"]) == (False, code)
    assert fal.asked == []


async def test_a_keyword_that_does_not_exist_is_a_type_error(photo: Path) -> None:
    with pytest.raises(TypeError):
        await generate_portrait(photo, prefers=["fal"])  # type: ignore[call-arg]
    assert Options(provider="").preferences.provider is None
