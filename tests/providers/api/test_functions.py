"""The Python API over a fake fal, every function of it, hence long: results as the contract names them, faults as
data, nothing paid twice.
"""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import providers
from handlers.words import texts
from providers import (
    ACTIONS,
    MODELS,
    STYLES,
    edit_image,
    generate_image,
    generate_portrait,
    generate_series,
    list_requests,
    resume_request,
    transfer_style,
    upscale_image,
    variate_image,
)
from providers.api.error_sentences import SENTENCES, sentence_for
from providers.api.journal import Document, FileJournal, documents, expire, locked
from providers.base import Charge, CostSource, Phase, Progress, Submission
from providers.catalog.keys import check_style
from providers.codes import CODES
from providers.errors import AskPerson, LikenessError
from providers.journal import Stage
from providers.money import Money
from providers.settings import ProviderSettings
from tests.providers.conftest import settings_with
from tests.servers.fal import FakeFal

IMAGE_FIELDS = {"model", "local_path", "width", "height", "size_bytes", "request_id", "provider"}
RESULT_FIELDS = {
    "success",
    "images",
    "model",
    "mode",
    "prompt",
    "count_requested",
    "count_generated",
    "total_cost",
    "currency",
    "errors",
}


def folder(settings: ProviderSettings) -> Path:
    return settings.data_dir / "requests"


def only(settings: ProviderSettings) -> Document:
    (document,) = documents(folder(settings))
    return document


async def test_a_portrait_gives_the_result_of_the_contract(
    fal: FakeFal, settings: ProviderSettings, photo: Path
) -> None:
    result = await generate_portrait(photo, "oil_painting", 2, settings=settings)
    assert set(result) >= RESULT_FIELDS
    assert (result["success"], result["model"], result["mode"]) == (True, "nanopro", "edit")
    assert (result["count_requested"], result["count_generated"], result["errors"]) == (2, 2, [])
    assert (result["total_cost"], result["currency"]) == (0.3, "USD")
    for image in result["images"]:
        assert set(image) >= IMAGE_FIELDS
        assert Path(image["local_path"]).parent == settings.output_dir
        assert image["provider"] == "fal"
        assert image["request_id"] in fal.jobs
    json.dumps(result)


async def test_a_portrait_asks_fal_for_style_likeness_and_the_styles_own_ratio(
    fal: FakeFal, settings: ProviderSettings, photo: Path
) -> None:
    await generate_portrait(image=photo, style="oil painting", settings=settings)
    (job,) = fal.jobs.values()
    assert job.endpoint == "fal-ai/nano-banana-pro/edit"
    assert "likeness" in job.body["prompt"]
    assert job.body["aspect_ratio"] == STYLES["oil_painting"].aspect_ratio


async def test_a_portrait_from_words_alone_needs_no_photo(fal: FakeFal, settings: ProviderSettings) -> None:
    result = await generate_portrait(prompt="a knight at dusk", aspect_ratio="16:9", settings=settings)
    (job,) = fal.jobs.values()
    assert (job.endpoint, result["mode"]) == ("fal-ai/nano-banana-pro", "generate")
    assert (result["images"][0]["width"], result["images"][0]["height"]) == (1024, 576)


@pytest.mark.parametrize("name", ["image_path", "image"])
async def test_a_photo_may_be_named_by_path_or_url(
    fal: FakeFal, settings: ProviderSettings, photo: Path, name: str
) -> None:
    result = await generate_portrait(**{name: str(photo)}, style="anime", settings=settings)  # type: ignore[arg-type]
    again = await generate_portrait(
        image_url=f"{fal.origin}/files/{next(iter(fal.jobs))}/1/0", style="anime", settings=settings
    )
    assert result["success"]
    assert again["success"]


async def test_an_edit_sends_up_to_three_pictures(
    fal: FakeFal, settings: ProviderSettings, photo: Path, second_photo: Path
) -> None:
    result = await edit_image(
        photo, "put them side by side", image2=second_photo, image3=photo, model="nano2", settings=settings
    )
    assert result["success"]
    assert len(fal.bodies[0]["image_urls"]) == 3
    assert fal.bodies[0]["prompt"].count("side by side") == 1


async def test_a_mask_goes_to_a_model_that_takes_one(
    fal: FakeFal, settings: ProviderSettings, photo: Path, tmp_path: Path
) -> None:
    mask = Image.new("L", (300, 400), 0)
    mask.paste(255, (0, 0, 100, 100))
    mask.save(tmp_path / "mask.png")
    mine = {"mask": tmp_path / "mask.png", "settings": settings}
    for level, endpoint in ((None, "fal-ai/flux-pro/v1/fill"), ("gpt", "openai/gpt-image-2/edit")):
        result = await edit_image(photo, "a hat", "local_edit", level, **mine)  # type: ignore[arg-type]
        assert (result["success"], result["images"][0]["model"]) == (True, endpoint)
    assert all("mask_url" in body for body in fal.bodies)


async def test_words_alone_make_a_picture(fal: FakeFal, settings: ProviderSettings) -> None:
    result = await generate_image("a lighthouse in a storm", model="nano2", count=2, settings=settings)
    assert (result["count_generated"], result["total_cost"], result["mode"]) == (2, 0.16, "generate")
    assert fal.bodies[0]["prompt"] == "a lighthouse in a storm"


async def test_upscale_variations_and_style_transfer_are_edits(
    fal: FakeFal, settings: ProviderSettings, photo: Path, second_photo: Path
) -> None:
    assert (await upscale_image(photo, scale=4, settings=settings))["success"]
    assert (await variate_image(photo, settings=settings))["count_generated"] == 3
    assert (await transfer_style(photo, second_photo, settings=settings))["success"]
    upscale, variations, transfer = fal.bodies
    assert (upscale["scale"], variations["num_images"]) == (4, 3)
    assert {"image_url", "style_reference_image_url"} <= set(transfer)


async def test_a_series_says_which_item_each_picture_belongs_to(
    fal: FakeFal, settings: ProviderSettings, photo: Path
) -> None:
    fal.plan("result_nothing", match="superhero")
    items: list[dict[str, str | None]] = [
        {"style": "professional"},
        {"prompt": "as a superhero"},
        {"style": "casual", "scene": "on a rooftop at sunset"},
    ]
    result = await generate_series(photo, items, settings=settings)
    assert [image["item"] for image in result["images"]] == [0, 2]
    assert [(error["item"], error["code"]) for error in result["errors"]] == [(1, "made_nothing")]
    assert (result["success"], result["count_requested"], result["count_generated"]) == (True, 3, 2)


async def test_eight_pictures_are_two_requests_side_by_side(fal: FakeFal, settings: ProviderSettings) -> None:
    result = await generate_image("a boat", count=8, settings=settings)
    assert (fal.submits, result["count_generated"], result["total_cost"]) == (2, 8, 1.2)
    assert len({image["local_path"] for image in result["images"]}) == 8


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"style": "oil_paintin"}, "unknown_style"),
        ({"model": "nanapro"}, "unknown_model"),
        ({"aspect_ratio": "5:7"}, "unknown_aspect_ratio"),
        ({"count": 9}, "bad_count"),
        ({"provider": "falk"}, "unknown_provider"),
        ({"image": "nowhere.jpg"}, "file_not_found"),
        ({"image": "http://127.0.0.1:9/x.png"}, "url_not_public"),
        ({"key": "../x"}, "bad_key"),
    ],
)
async def test_what_cannot_be_done_is_refused_before_anything_is_sent_or_kept(
    fal: FakeFal, settings: ProviderSettings, arguments: dict[str, Any], code: str
) -> None:
    result = await generate_portrait(**arguments, settings=settings)
    assert (result["success"], result["error"]["code"]) == (False, code)
    assert set(result["error"]) == {"code", "message", "retryable"}
    assert fal.asked == []
    assert not list(folder(settings).glob("**/*.*"))


@pytest.mark.parametrize(
    "items", [[], None, "professional", [{}], [{"styl": "anime"}], [{"style": 3}], [{"style": "anime"}] * 9, [["x"]]]
)
async def test_a_series_of_another_shape_is_refused(fal: FakeFal, settings: ProviderSettings, items: Any) -> None:
    result = await generate_series(None, items, settings=settings)
    assert result["error"]["code"] == "bad_items"
    assert fal.submits == 0


@pytest.mark.parametrize(
    ("fault", "code", "retryable"),
    [
        ("401", "provider_key", False),
        ("402", "provider_credit", False),
        ("policy", "refused_content", False),
        ("503_ingress", "provider_busy", True),
        ("500_after", "outcome_unknown", True),
        ("reset_after", "outcome_unknown", True),
        ("garbage", "outcome_unknown", True),
        ("completed_error", "provider_failed", True),
        ("empty", "made_nothing", True),
    ],
)
async def test_each_fault_is_told_with_code_and_sentence_and_charged_once_at_most(
    fal: FakeFal, settings: ProviderSettings, fault: str, code: str, retryable: bool
) -> None:
    fal.plan(fault)
    result = await generate_portrait(prompt="a knight", settings=settings)
    assert (result["success"], result["error"]["code"], result["error"]["retryable"]) == (False, code, retryable)
    assert result["error"]["message"].endswith(".")
    assert (result["count_requested"], result["count_generated"], len(result["errors"])) == (1, 0, 1)
    assert fal.submits == 1


async def test_without_a_service_it_is_said_who_could_and_by_which_setting(tmp_path: Path) -> None:
    settings = settings_with(data_dir=tmp_path / "data", output_dir=tmp_path / "pictures")
    result = await generate_image("a boat", settings=settings)
    assert result["error"]["code"] == "no_provider"
    assert "fal (FAL_KEY)" in result["error"]["message"]


async def test_credits_of_a_proxy_are_added_up_and_count_in_dollars_by_the_price_list(
    fal: FakeFal, settings: ProviderSettings
) -> None:
    fal.submit_credits = "4"
    result = await generate_image("a boat", count=6, settings=settings)
    assert (result["total_cost"], result["currency"], result["cost_source"]) == (0.9, "USD", "table")
    assert result["costs"] == {"credits": 8.0}


async def test_progress_is_reported(fal: FakeFal, settings: ProviderSettings) -> None:
    fal.plan(queue=1)
    seen: list[Phase] = []

    async def on_progress(key: str, progress: Progress) -> None:
        seen.append(progress.phase)

    await generate_image("a boat", on_progress=on_progress, settings=settings)
    assert seen == [Phase.QUEUED, Phase.DONE]


# --- resuming


async def test_a_call_that_was_stopped_while_waiting_is_resumed_without_a_second_charge(
    fal: FakeFal, settings: ProviderSettings, photo: Path
) -> None:
    fal.plan(never=True)
    running = asyncio.Event()

    async def on_progress(key: str, progress: Progress) -> None:
        running.set()

    task = asyncio.create_task(
        generate_portrait(photo, "anime", key="mine", on_progress=on_progress, settings=settings)
    )
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (job,) = fal.jobs.values()
    job.plan = type(job.plan)()
    result = await resume_request("mine", settings=settings)
    assert (result["success"], result["key"], result["images"][0]["request_id"]) == (True, "mine", job.id)
    assert fal.submits == 1


async def test_the_same_key_again_is_the_same_call(fal: FakeFal, settings: ProviderSettings) -> None:
    first = await generate_image("a boat", key="mine", settings=settings)
    again = await generate_image("a boat", key="mine", settings=settings)
    assert first == again
    assert fal.submits == 1


@pytest.mark.kill
@pytest.mark.parametrize(
    ("plan", "code"),
    [({"hold": "before"}, "outcome_unknown"), ({"hold": "after"}, "outcome_unknown"), ({"never": True}, None)],
)
async def test_a_call_that_was_killed_is_charged_once_at_most(
    fal: FakeFal, settings: ProviderSettings, plan: dict[str, Any], code: str | None
) -> None:
    """Signal 9 inside the POST, after it, and while waiting."""
    fal.plan(**plan)
    program = "import asyncio, providers; asyncio.run(providers.generate_image('a boat', key='mine'))"
    environment = {
        "FAL_KEY": "test-key",
        "FAL_QUEUE_URL": fal.url,
        "DATA_DIR": str(settings.data_dir),
        "OUTPUT_DIR": str(settings.output_dir),
        "PYTHONPATH": str(Path(providers.__file__).parents[1]),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=environment)
    waited_for = fal.holding if "hold" in plan else fal.watching
    assert await asyncio.to_thread(waited_for.wait, 30)
    process.kill()
    await process.wait()
    fal.release()
    for job in fal.jobs.values():
        job.plan = type(job.plan)()
    result = await resume_request("mine", settings=settings)
    assert result.get("error", {}).get("code") == code
    assert result["count_generated"] == (0 if code else 1)
    assert (fal.submits, fal.billed <= 1) == (1, True)


async def test_a_lost_picture_is_fetched_by_a_resume(fal: FakeFal, settings: ProviderSettings) -> None:
    fal.plan(result_status=401)
    lost = await generate_image("a boat", key="mine", settings=settings)
    assert lost["error"]["code"] == "job_locked"
    next(iter(fal.jobs.values())).plan = type(fal.standing)()
    assert (await resume_request("mine", settings=settings))["success"]
    assert fal.submits == 1


async def test_an_unknown_outcome_is_not_repeated_by_a_resume(fal: FakeFal, settings: ProviderSettings) -> None:
    fal.plan("reset_after")
    await generate_image("a boat", key="mine", settings=settings)
    for _ in range(2):
        result = await resume_request("mine", settings=settings)
        assert result["error"]["code"] == "outcome_unknown"
    assert fal.submits == 1


async def test_a_refused_call_is_sent_by_a_resume_once_the_key_is_right(
    fal: FakeFal, settings: ProviderSettings, photo: Path
) -> None:
    fal.plan("401")
    assert not (await edit_image(photo, "brighter", key="mine", settings=settings))["success"]
    await asyncio.to_thread(photo.unlink)
    assert (await resume_request("mine", settings=settings))["success"]
    assert fal.submits == 2
    assert fal.billed == 1


async def test_a_call_being_worked_on_is_not_worked_on_twice(fal: FakeFal, settings: ProviderSettings) -> None:
    await generate_image("a boat", key="mine", settings=settings)
    with locked(folder(settings), "mine"):
        result = await resume_request("mine", settings=settings)
    assert result["error"]["code"] == "request_running"
    assert (await resume_request("mine", settings=settings))["success"]


async def test_an_unknown_request_is_told(settings: ProviderSettings) -> None:
    assert (await resume_request("nothing", settings=settings))["error"]["code"] == "unknown_request"
    assert (await resume_request("../../etc/passwd", settings=settings))["error"]["code"] == "bad_key"


async def test_every_call_is_listed_with_the_stages_of_its_pieces(fal: FakeFal, settings: ProviderSettings) -> None:
    await generate_image("a boat", count=5, key="mine", settings=settings)
    (listed,) = await list_requests(settings=settings)
    assert (listed["key"], listed["made"]) == ("mine", True)
    assert [(piece["key"], piece["stage"], piece["provider"]) for piece in listed["pieces"]] == [
        ("mine#0", "made", "fal"),
        ("mine#1", "made", "fal"),
    ]
    assert {piece["request_id"] for piece in listed["pieces"]} == set(fal.jobs)


def calls(settings: ProviderSettings) -> list[Path]:
    """What is kept of calls; what they cost stays in the ledger."""
    return [path for path in folder(settings).iterdir() if path.name != "ledger"]


async def test_the_photos_of_a_finished_call_are_deleted_and_those_of_an_open_one_kept(
    fal: FakeFal, settings: ProviderSettings, photo: Path
) -> None:
    await edit_image(photo, "brighter", key="done", settings=settings)
    fal.plan("402")
    await edit_image(photo, "brighter", key="open", settings=settings)
    assert sorted(path.name for path in calls(settings)) == ["done.json", "open", "open.json"]


async def test_calls_are_forgotten_after_thirty_days(fal: FakeFal, settings: ProviderSettings) -> None:
    await generate_image("a boat", settings=settings)
    expire(folder(settings), now=datetime.now(UTC) + timedelta(days=29))
    assert len(documents(folder(settings))) == 1
    expire(folder(settings), now=datetime.now(UTC) + timedelta(days=31))
    assert calls(settings) == []


async def test_the_journal_on_disk_is_whole_after_every_change(fal: FakeFal, settings: ProviderSettings) -> None:
    await generate_image("a boat", key="mine", settings=settings)
    journal = await FileJournal.load(folder(settings), "mine")
    request = journal.call.pieces[0]
    await journal.begin(request, "fal")
    assert only(settings).records["mine"].stage is Stage.SUBMITTING
    charge = Charge(money=Money.of(2, "credits"), source=CostSource.ANSWER)
    submission = Submission(provider="fal", request_id="r", handle={"status_url": "u"}, charge=charge)
    await journal.accept("mine", submission)
    assert only(settings).records["mine"].submission == submission
    await journal.end("mine", Stage.FAILED, error_code="made_nothing")
    assert only(settings).records["mine"].submission == submission
    assert only(settings).call == journal.call


async def test_pieces_written_at_once_do_not_lose_one_another(fal: FakeFal, settings: ProviderSettings) -> None:
    result = await generate_series(None, [{"style": key} for key in list(STYLES)[:8]], settings=settings)
    assert result["count_generated"] == 8
    assert len(only(settings).records) == 8


# --- messages and imports


def test_every_code_has_its_own_sentence_here_and_in_chats() -> None:
    ours = CODES - {code for code in CODES if code.startswith(("wechat", "delivery"))}
    not_ours = {"nothing_paid", "not_resumable", "channel_missing", "lost"}  # of jobs, not of requests
    assert ours - set(SENTENCES) == not_ours
    shell_only = {"bad_items", "bad_key", "fewer_pictures", "cancel_asked", "unknown_request", "request_running"}
    wechat = {code for code in CODES if code.startswith("wechat")}
    assert CODES - {key.removeprefix("error.") for key in texts("en")} <= (shell_only | wechat | {"cutout_model"})


def test_a_sentence_is_found_for_any_error() -> None:
    assert sentence_for(LikenessError()) == "Something went wrong here."
    assert sentence_for(AskPerson(code="no_provider")) == "This cannot be done as asked."
    assert sentence_for(AskPerson(code="no_provider", text_key="error.nobody_can")) == "No provider can do this."
    with pytest.raises(AskPerson) as caught:
        check_style("oil_paintin")
    assert "oil_painting" in sentence_for(caught.value)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_the_names_of_the_contract_are_there() -> None:
    assert "anime" in STYLES
    assert "restore" in ACTIONS
    assert set(MODELS) == {"nano2", "nanopro", "gpt"}
    assert set(providers.__all__) <= set(dir(providers))
    with pytest.raises(AttributeError):
        _ = providers.no_such_thing


def test_importing_providers_imports_nothing_heavy() -> None:
    """In a process of its own: this one has everything already."""
    heavy = "{'httpx', 'PIL', 'numpy', 'cv2', 'pydantic'} & set(sys.modules)"
    seen = subprocess.run(
        [sys.executable, "-c", f"import sys, providers; print({heavy})"], capture_output=True, text=True, check=True
    )
    assert seen.stdout.strip() == "set()"


def test_a_preference_for_a_service_that_does_not_exist_is_reported_by_its_setting() -> None:
    from providers.configure import problems

    (problem,) = problems(settings_with(providers_preferred=("fal", "opnai")))
    assert "PROVIDERS_PREFERRED" in problem
    assert "fal" in problem
    assert "opnai" not in problem
