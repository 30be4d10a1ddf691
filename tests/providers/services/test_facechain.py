"""FaceChain: detection, training, presets, templates; what they send, what their answers mean."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.base import Cancelled, Submission
from providers.catalog import STYLES
from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, TellOperator, WaitAndRetry
from providers.faces import training_task
from providers.money import Money
from providers.net.outcome import Answer
from providers.offers import Reason
from providers.services.dashscope.facechain import GENERATE, is_there, verdicts
from providers.services.dashscope.offers import offers
from providers.task import Operation, Task
from providers.task_builders import face_task
from tests.providers.services.test_dashscope import ended, made, posted, provider_of
from tests.providers.wanted import wanted
from tests.servers.dashscope import FakeDashScope
from tests.servers.dashscope_faces import GIVEN_FACE, PRESETS
from tests.servers.service import picture_bytes

PORTRAIT = Operation.PORTRAIT


@pytest.fixture
def fake() -> Iterator[FakeDashScope]:
    with FakeDashScope.serving() as serving:
        yield serving


def photos(folder: Path, count: int, *, size: tuple[int, int] = (640, 480), faceless: int | None = None) -> list[Path]:
    """Files in `folder`; the one numbered `faceless` shows nobody."""
    paths = [folder / f"photo{n}.png" for n in range(count)]
    for n, path in enumerate(paths):
        path.write_bytes(picture_bytes(size, -1 if n == faceless else n))
    return paths


def preset(style: str, gender: str | None = "female", **more: Any) -> Any:
    return wanted(operation=PORTRAIT, style=style, face=GIVEN_FACE, gender=gender, **more)


def sent_style(fake: FakeDashScope) -> str:
    return str(posted(fake).fields["parameters"]["style"])


# --- presets


@pytest.mark.parametrize("gender", ["female", "male"])
async def test_every_preset_is_asked_for_by_the_style_and_gender_it_is_for(
    fake: FakeDashScope, tmp_path: Path, gender: str
) -> None:
    styles = [key for key, style in STYLES.items() if gender in style.presets.get("dashscope", {})]
    async with provider_of(fake, tmp_path) as provider:
        asked = set()
        for style in styles:
            await provider.submit(preset(style, gender))
            asked.add(sent_style(fake))
    assert asked == {key for key in PRESETS if key.endswith(f"_{gender}")}
    assert posted(fake).path.endswith(GENERATE)


async def test_a_preset_names_the_face_beside_its_parameters_and_makes_four_at_768_by_1024(
    fake: FakeDashScope, tmp_path: Path
) -> None:
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, preset("spring_garden", count=4), tmp_path)
    assert posted(fake).fields == {
        "model": "facechain-generation",
        "parameters": {"style": "m_springflower_female", "size": "768*1024", "n": 4},
        "resources": [{"resource_id": GIVEN_FACE, "resource_type": "facelora"}],
    }
    assert [(p.width, p.height) for p in result.pictures] == [(768, 1024)] * 4
    assert result.charge is not None
    assert result.charge.money == Money.usd("0.1016")


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (face_task(face=True, style="anime"), Reason.STYLE),
        (face_task(face=True, style="winter_chinese", gender="male"), Reason.GENDER),
        (face_task(face=True, style="professional"), Reason.GENDER),
        (face_task(face=True, style="spring_garden", words=True), Reason.CHANGE),
        (face_task(face=True, style="spring_garden", aspect_ratio="1:1"), Reason.RATIO),
        (face_task(face=True, template=True, words=True), Reason.CHANGE),
        (Task(operation=Operation.EDIT, action="edit", photos=1, face=True), Reason.FACE),
    ],
)
def test_what_it_cannot_do_is_not_offered(task: Task, reason: Reason) -> None:
    assert offers().reason_not(task) is reason


def test_a_female_preset_needs_no_gender_said() -> None:
    assert offers().find(face_task(face=True, style="spring_garden")) is not None


def test_it_is_there_in_beijing_only() -> None:
    hosts = ["dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "w1.ap-southeast-1.maas.aliyuncs.com"]
    assert [is_there(f"https://{host}/api/v1") for host in hosts] == [True, False, False]
    assert offers(faces=False).find(training_task(3)) is None


# --- templates


async def test_photos_in_a_template_are_checked_uploaded_and_sent_without_a_size(
    fake: FakeDashScope, tmp_path: Path
) -> None:
    given = photos(tmp_path, 3)
    request = wanted(operation=PORTRAIT, photos=given, template=True, retouch=False, count=2)
    async with provider_of(fake, tmp_path) as provider:
        _, result = await made(provider, request, tmp_path)
    sent = posted(fake).fields
    assert sent["parameters"] == {"style": "train_free_portrait_url_template", "n": 2, "skin_retouch": False}
    assert len(sent["input"]["user_urls"]) == 2
    assert sent["input"]["template_url"].startswith("oss://")
    assert "resources" not in sent
    assert (fake.counts["detections"], fake.leaked, len(result.pictures)) == (1, 0, 2)


async def test_a_trained_face_goes_into_a_template_alone(fake: FakeDashScope, tmp_path: Path) -> None:
    request = wanted(operation=PORTRAIT, photos=photos(tmp_path, 1), template=True, face=GIVEN_FACE)
    async with provider_of(fake, tmp_path) as provider:
        await made(provider, request, tmp_path)
    sent = posted(fake).fields
    assert sent["parameters"] == {"style": "portrait_url_template", "n": 1}
    assert set(sent["input"]) == {"template_url"}
    assert fake.counts["detections"] == 0


async def test_pictures_of_any_size_are_made_to_fit(fake: FakeDashScope, tmp_path: Path) -> None:
    large, small = photos(tmp_path, 1, size=(4000, 2600))[0], tmp_path / "small.png"
    small.write_bytes(picture_bytes((200, 300), 3))
    async with provider_of(fake, tmp_path) as provider:
        await provider.submit(wanted(operation=PORTRAIT, photos=[small, large], template=True))
        await provider.submit(wanted(operation=PORTRAIT, photos=[large, small], template=True))
    assert fake.billed == 2


async def test_a_photo_without_a_face_is_named_before_anything_is_paid(fake: FakeDashScope, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        with pytest.raises(AskPerson) as told:
            await provider.submit(wanted(operation=PORTRAIT, photos=photos(tmp_path, 3, faceless=1), template=True))
        with pytest.raises(AskPerson):
            await provider.submit(training(photos(tmp_path, 3, faceless=2)))
    assert (told.value.code, told.value.params) == ("face_unusable", {"number": 2, "fault": "no_face"})
    assert (fake.submits, fake.faces.trained) == (0, 0)


# --- detection


async def test_the_detection_says_of_each_photo_in_turn(fake: FakeDashScope, tmp_path: Path) -> None:
    async with provider_of(fake, tmp_path) as provider:
        found = await provider.check_faces(photos(tmp_path, 3, faceless=1))
    assert [one.fault for one in found] == [None, "no_face", None]


@pytest.mark.parametrize(
    ("shows", "reasons", "faults"),
    [
        ([False, True, False], ["no face detected", "multiple faces"], ["no_face", None, "several_faces"]),
        ([False], ["the face angle is too large"], ["not_frontal"]),
        ([False], ["face size is too small"], ["too_small"]),
        ([False], ["the image is blurred"], ["unclear"]),
        ([False], [], ["other"]),
    ],
)
def test_its_reasons_are_told_apart(shows: list[bool], reasons: list[str], faults: list[str | None]) -> None:
    told = Answer(status=200, body={"output": {"is_face": shows, "failed_reason": reasons}}, headers={})
    assert [one.fault for one in verdicts(told, len(shows))] == faults


@pytest.mark.parametrize("fault", [500, "reset", "junk"])
async def test_a_detection_that_breaks_leaves_nothing_in_doubt(
    fake: FakeDashScope, tmp_path: Path, fault: int | str
) -> None:
    """Nothing is paid by then, so another service may be asked."""
    fake.faces.broken = fault
    async with provider_of(fake, tmp_path) as provider:
        with pytest.raises(WaitAndRetry):
            await provider.submit(wanted(operation=PORTRAIT, photos=photos(tmp_path, 2), template=True))
    assert fake.submits == 0


# --- training


def training(paths: list[Path], key: str = "t") -> Any:
    return wanted(key, operation=Operation.TRAIN_FACE, photos=paths, prompt="")


async def test_a_training_ends_with_a_face_that_portraits_name(fake: FakeDashScope, tmp_path: Path) -> None:
    fake.plan(polls=3)
    async with provider_of(fake, tmp_path) as provider:
        submission, result = await made(provider, training(photos(tmp_path, 4)), tmp_path)
        assert result.charge is not None
        assert (result.pictures, result.charge.money) == ((), Money.usd("0.3522"))
        assert len(fake.faces.photos) == 4
        await provider.release(submission)
        own = wanted(operation=PORTRAIT, style="spring_garden", face=result.face)
        await made(provider, own, tmp_path)
    assert submission.face == result.face
    assert fake.faces.photos == {}
    assert (fake.faces.trained, fake.billed) == (1, 1)


async def test_a_training_is_waited_for_by_who_knows_only_its_submission(fake: FakeDashScope, tmp_path: Path) -> None:
    fake.plan(polls=2, poll_faults=("reset", 503, "junk"))
    async with provider_of(fake, tmp_path) as provider:
        submission = await provider.submit(training(photos(tmp_path, 2)))
    async with provider_of(fake, tmp_path) as another:
        result = await ended(another, submission, tmp_path)
    assert result.face == next(iter(fake.faces.trainings.values())).face
    assert fake.submits == 1


@pytest.mark.parametrize(
    ("fault", "raised", "code"),
    [
        ("busy", WaitAndRetry, "provider_busy"),
        ("no_credit", TellOperator, "provider_credit"),
        ("model_denied", TellOperator, "provider_forbidden"),
        ("policy", AskPerson, "refused_content"),
        ("500", MaybePaid, "outcome_unknown"),
        ("reset_after", MaybePaid, "outcome_unknown"),
        ("junk", MaybePaid, "outcome_unknown"),
    ],
)
@pytest.mark.parametrize("kind", ["training", "preset"])
async def test_its_errors_are_in_our_tree(
    fake: FakeDashScope, tmp_path: Path, kind: str, fault: str, raised: type[LikenessError], code: str
) -> None:
    fake.plan(fault)
    request = training(photos(tmp_path, 1)) if kind == "training" else preset("spring_garden")
    async with provider_of(fake, tmp_path) as provider:
        with pytest.raises(raised) as told:
            await provider.submit(request)
    assert told.value.code == code


@pytest.mark.parametrize(("end", "code"), [("failed", "provider_failed"), ("policy", "refused_content")])
async def test_a_training_that_fails_costs_nothing(fake: FakeDashScope, tmp_path: Path, end: str, code: str) -> None:
    fake.plan(end=end)
    async with provider_of(fake, tmp_path) as provider:
        submission = await provider.submit(training(photos(tmp_path, 1)))
        with pytest.raises((MadeNothing, AskPerson)) as told:
            await ended(provider, submission, tmp_path)
    assert (told.value.code, fake.faces.trained) == (code, 0)


async def test_a_training_is_cancelled_and_a_face_deleted(fake: FakeDashScope, tmp_path: Path) -> None:
    fake.plan("never")
    async with provider_of(fake, tmp_path) as provider:
        goes_on = await provider.submit(training(photos(tmp_path, 1)))
        with pytest.raises(AskPerson):
            await provider.delete_face(goes_on.request_id)  # it goes on: not to be deleted yet
        assert await provider.cancel(goes_on) is Cancelled.ASKED
        ready, _ = await made(provider, training(photos(tmp_path, 1)), tmp_path)
        for submission in (goes_on, ready, ready):
            await provider.delete_face(submission.request_id)
    assert all(one.deleted for one in fake.faces.trainings.values())
    assert isinstance(ready, Submission)
