"""Following, fetching and cancelling a job at fal."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from providers.base import Cancelled, Charge, CostSource, Phase, Progress, Submission
from providers.errors import AskPerson, LikenessError, MadeNothing, TellOperator, WaitAndRetry
from providers.media.download import Downloader
from providers.money import Money
from providers.services.fal.addresses import address, may_have_key
from providers.services.fal.follow import events
from providers.services.fal.provider import FalProvider
from tests.providers.conftest import Naps
from tests.providers.wanted import portrait
from tests.servers.fal import KEY, FakeFal
from tests.waiting import LONG


async def followed(provider: FalProvider, submission: Submission) -> list[Progress]:
    return [progress async for progress in provider.follow(submission)]


async def test_the_stream_reports_place_in_the_queue_running_and_done(fal: FakeFal, provider: FalProvider) -> None:
    fal.plan(queue=2, polls=1)
    reports = await followed(provider, await provider.submit(portrait()))
    assert reports == [
        Progress(phase=Phase.QUEUED, position=1),
        Progress(phase=Phase.QUEUED, position=0),
        Progress(phase=Phase.RUNNING),
        Progress(phase=Phase.DONE),
    ]
    assert (fal.counts["streams"], fal.counts["status_reads"]) == (1, 0)


@pytest.mark.parametrize("stream", ["off", "cut", "silent", "reset"])
async def test_where_the_stream_fails_the_job_is_polled(
    fal: FakeFal, downloader: Downloader, naps: Naps, stream: str
) -> None:
    silence = 0.05 if stream == "silent" else LONG
    provider = FalProvider(key=KEY, queue_url=fal.url, downloader=downloader, sleep=naps, stream_silence=silence)
    fal.plan(stream=stream, polls=3)
    reports = await followed(provider, await provider.submit(portrait()))
    await provider.aclose()
    assert reports == [Progress(phase=Phase.RUNNING), Progress(phase=Phase.DONE)]
    assert fal.counts["status_reads"] >= 3
    assert fal.submits == 1


async def test_polling_grows_from_half_a_second_to_four(fal: FakeFal, provider: FalProvider, naps: Naps) -> None:
    fal.plan(stream="off", polls=12)
    await followed(provider, await provider.submit(portrait()))
    assert naps.asked[0] == 0.5
    assert naps.asked == sorted(naps.asked)
    assert max(naps.asked) == 4.0


async def test_polling_is_quick_again_after_a_change(fal: FakeFal, provider: FalProvider, naps: Naps) -> None:
    fal.plan(stream="off", queue=1, polls=5)
    await followed(provider, await provider.submit(portrait()))
    assert naps.asked[:3] == [0.5, 0.5, 0.75]


async def test_faults_of_the_network_are_ridden_out(fal: FakeFal, provider: FalProvider) -> None:
    fal.plan(stream="off", poll_faults=("reset", 502, 503, 504, 500, 429, "garbage", 408, "reset"), polls=1)
    reports = await followed(provider, await provider.submit(portrait()))
    assert reports[-1] == Progress(phase=Phase.DONE)
    assert fal.submits == 1


@pytest.mark.parametrize(
    ("code", "error"), [(401, "job_locked"), (403, "job_locked"), (404, "job_lost"), (405, "job_lost")]
)
async def test_a_poll_that_is_refused_ends_soon_instead_of_burning_the_wait(
    fal: FakeFal, provider: FalProvider, naps: Naps, code: int, error: str
) -> None:
    fal.plan(stream="off", never=True, poll_faults=(code,) * 50)
    with pytest.raises(MadeNothing) as caught:
        await followed(provider, await provider.submit(portrait()))
    assert caught.value.code == error
    assert fal.counts["status_reads"] == 3
    assert sum(naps.asked) < 3


async def test_one_refused_poll_among_good_ones_is_no_end(fal: FakeFal, provider: FalProvider) -> None:
    fal.plan(stream="off", polls=6, poll_faults=(404, 401))
    assert (await followed(provider, await provider.submit(portrait())))[-1].phase is Phase.DONE


async def test_a_job_that_never_ends_is_followed_for_as_long_as_somebody_listens(
    fal: FakeFal, provider: FalProvider, naps: Naps
) -> None:
    fal.plan("never", stream="off")
    submission = await provider.submit(portrait())
    stream = provider.follow(submission)
    assert await anext(stream) == Progress(phase=Phase.RUNNING)

    class Enough(Exception):
        pass

    async def give_up(seconds: float) -> None:
        naps.asked.append(seconds)
        if len(naps.asked) > 200:
            raise Enough

    patient = FalProvider(key="test-key", queue_url=fal.url, downloader=provider._downloader, sleep=give_up)
    with pytest.raises(Enough):
        await followed(patient, submission)
    await patient.aclose()
    assert fal.submits == 1


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("completed_error", MadeNothing, "provider_failed"),
        ("completed_policy", AskPerson, "refused_content"),
    ],
)
async def test_completed_means_finished_and_not_succeeded(
    fal: FakeFal, provider: FalProvider, fault: str, kind: type[LikenessError], code: str
) -> None:
    fal.plan(fault)
    with pytest.raises(LikenessError) as caught:
        await followed(provider, await provider.submit(portrait()))
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert fal.submits == 1


async def test_an_error_type_alone_is_enough_where_the_result_is_out_of_reach(
    fal: FakeFal, provider: FalProvider
) -> None:
    fal.plan(error="x", error_type="generation_timeout", result_faults=(502,))
    with pytest.raises(MadeNothing) as caught:
        await followed(provider, await provider.submit(portrait()))
    assert (caught.value.code, caught.value.retryable) == ("provider_failed", True)


async def test_server_sent_events_are_read_as_the_standard_says() -> None:
    lines = [": note", "event: x", "data: {", "data:  1}", "id: 3", "", "data", "data:y", "", "data: not ended"]
    assert [data async for data in events(AsyncLines(lines))] == ["{\n 1}", "\ny"]


class AsyncLines:
    def __init__(self, lines: list[str]) -> None:
        self._lines = iter(lines)

    def __aiter__(self) -> "AsyncLines":
        return self

    async def __anext__(self) -> str:
        for line in self._lines:
            return line
        raise StopAsyncIteration


# --- fetching


async def test_a_finished_job_gives_decoded_pictures_in_order(
    fal: FakeFal, provider: FalProvider, tmp_path: Path
) -> None:
    submission = await provider.submit(portrait(count=3, aspect_ratio="3:4"))
    result = await provider.fetch(submission, tmp_path / "out")
    assert [(p.width, p.height, p.mime) for p in result.pictures] == [(768, 1024, "image/png")] * 3
    assert {p.request_id for p in result.pictures} == {submission.request_id}
    for number, picture in enumerate(result.pictures):
        assert picture.size_bytes == picture.path.stat().st_size
        with Image.open(picture.path) as image:
            assert image.getpixel((1, 1)) == (40 + number * 37 % 200, 90, 200 - number * 23 % 150)
    assert fal.counts["leaked_keys"] == 0


@pytest.mark.parametrize(("fault", "count"), [("single", 1), ("inline", 2), ("fewer", 1), ("expired_once", 2)])
async def test_every_shape_of_result_is_understood(
    fal: FakeFal, provider: FalProvider, tmp_path: Path, fault: str, count: int
) -> None:
    fal.plan(fault)
    result = await provider.fetch(await provider.submit(portrait(count=2)), tmp_path)
    assert len(result.pictures) == count
    assert fal.submits == 1


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("expired", MadeNothing, "result_gone"),
        ("truncated", MadeNothing, "bad_picture"),
        ("cut", WaitAndRetry, "result_unreachable"),
        ("html", MadeNothing, "bad_picture"),
        ("empty", MadeNothing, "made_nothing"),
        ("nsfw", AskPerson, "refused_content"),
        ("result_policy", AskPerson, "refused_content"),
        ("result_nothing", MadeNothing, "made_nothing"),
        ("result_500", WaitAndRetry, "result_unreachable"),
    ],
)
async def test_a_result_without_a_picture_is_never_a_success(
    fal: FakeFal, provider: FalProvider, tmp_path: Path, fault: str, kind: type[LikenessError], code: str
) -> None:
    fal.plan(fault)
    with pytest.raises(LikenessError) as caught:
        await provider.fetch(await provider.submit(portrait()), tmp_path / "out")
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert fal.submits == 1
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("fault", ["expired", "gone", "truncated", "cut", "html", "busy"])
async def test_a_bad_link_is_mended_by_reading_the_result_again(
    fal: FakeFal, provider: FalProvider, tmp_path: Path, fault: str
) -> None:
    fal.plan(picture=fault, bad_links=2)
    result = await provider.fetch(await provider.submit(portrait(count=2)), tmp_path)
    assert len(result.pictures) == 2
    assert (fal.submits, fal.counts["result_reads"]) == (1, 3)


async def test_pictures_that_came_are_kept_where_another_is_lost(
    fal: FakeFal, provider: FalProvider, tmp_path: Path
) -> None:
    fal.plan(picture="gone", bad_pictures=1)
    result = await provider.fetch(await provider.submit(portrait(count=3)), tmp_path)
    assert len(result.pictures) == 2
    assert fal.counts["downloads"] == 3 + 3


async def test_a_lost_picture_can_be_fetched_later(fal: FakeFal, provider: FalProvider, tmp_path: Path) -> None:
    fal.plan(picture="expired", bad_links=4)
    submission = await provider.submit(portrait())
    with pytest.raises(MadeNothing):
        await provider.fetch(submission, tmp_path)
    assert len((await provider.fetch(submission, tmp_path)).pictures) == 1
    assert fal.submits == 1


async def test_fetching_twice_gives_the_same_file_and_downloads_it_once(
    fal: FakeFal, provider: FalProvider, tmp_path: Path
) -> None:
    submission = await provider.submit(portrait())
    first = await provider.fetch(submission, tmp_path)
    assert await provider.fetch(submission, tmp_path) == first
    assert fal.counts["downloads"] == 1
    assert len(list(first.pictures[0].path.parent.glob("fal-*"))) == 1


async def test_asked_too_early_the_result_is_asked_for_again(
    fal: FakeFal, provider: FalProvider, tmp_path: Path
) -> None:
    fal.plan("too_early")
    assert (await provider.fetch(await provider.submit(portrait()), tmp_path)).pictures


async def test_a_result_behind_a_failing_ingress_is_waited_for(
    fal: FakeFal, provider: FalProvider, tmp_path: Path
) -> None:
    fal.plan(result_faults=("reset", 502, "garbage", 503))
    assert (await provider.fetch(await provider.submit(portrait()), tmp_path)).pictures


async def test_a_result_out_of_reach_is_worth_another_try(fal: FakeFal, provider: FalProvider, tmp_path: Path) -> None:
    fal.plan(result_faults=(502,) * 50)
    with pytest.raises(WaitAndRetry) as caught:
        await provider.fetch(await provider.submit(portrait()), tmp_path)
    assert caught.value.code == "result_unreachable"


async def test_credits_named_only_with_the_result_are_the_cost(
    fal: FakeFal, provider: FalProvider, tmp_path: Path
) -> None:
    fal.result_credits = "3"
    result = await provider.fetch(await provider.submit(portrait()), tmp_path)
    assert result.charge == Charge(money=Money.of(3, "credits"), source=CostSource.ANSWER)


async def test_credits_named_at_submit_are_not_lost_when_the_result_says_none(
    fal: FakeFal, provider: FalProvider, tmp_path: Path
) -> None:
    fal.submit_credits, fal.result_credits = "12", "0"
    result = await provider.fetch(await provider.submit(portrait()), tmp_path)
    assert result.charge == Charge(money=Money.of(12, "credits"), source=CostSource.ANSWER)


# --- where the key goes


async def test_behind_a_proxy_that_rewrites_nothing_the_key_stays_with_the_proxy(
    fal: FakeFal, provider: FalProvider, photo: Path, tmp_path: Path
) -> None:
    fal.address = "fal"
    submission = await provider.submit(portrait(photos=(photo,)))
    assert str(submission.handle["status_url"]).startswith("https://queue.fal.run/")
    assert (await followed(provider, submission))[-1].phase is Phase.DONE
    assert (await provider.fetch(submission, tmp_path)).pictures
    assert await provider.cancel(submission) is Cancelled.TOO_LATE


@pytest.mark.parametrize("address", ["own", "fal", "bare"])
async def test_a_proxy_may_lie_below_a_path(downloader: Downloader, naps: Naps, tmp_path: Path, address: str) -> None:
    """`bare`: its answers name its own host, but forget the path."""
    with FakeFal.serving(prefix="/billing/fal") as proxy:
        proxy.address = proxy.origin if address == "bare" else address
        trusted = frozenset({("127.0.0.1", int(proxy.origin.rpartition(":")[2]))})
        provider = FalProvider(
            key="test-key", queue_url=f"{proxy.url}/", downloader=Downloader(trusted_origins=trusted), sleep=naps
        )
        submission = await provider.submit(portrait())
        assert (await followed(provider, submission))[-1].phase is Phase.DONE
        assert (await provider.fetch(submission, tmp_path)).pictures
        await provider.aclose()


@pytest.mark.parametrize(
    ("url", "root", "may"),
    [
        ("https://queue.fal.run/x", "https://queue.fal.run", True),
        ("https://queue.falrun.com/x", "https://queue.fal.run", True),
        ("http://queue.fal.run/x", "https://queue.fal.run", False),
        ("https://queue.fal.run:8443/x", "https://queue.fal.run", False),
        ("https://queue.fal.run.evil.example/x", "https://queue.fal.run", False),
        ("https://user@queue.fal.run/x", "https://queue.fal.run", False),
        ("https://queue.fal.run/x", "https://proxy.example", False),
        ("https://proxy.example/x", "https://queue.fal.run", False),
        ("https://proxy.example:443/fal/x", "https://proxy.example/fal", True),
        ("https://proxy.example/other/x", "https://proxy.example/fal", False),
        ("ftp://proxy.example/x", "https://proxy.example", False),
        ("https://[", "https://proxy.example", False),
    ],
)
def test_the_key_goes_only_where_it_belongs(url: str, root: str, may: bool) -> None:
    assert may_have_key(url, root) is may


@pytest.mark.parametrize(
    ("endpoint", "app"),
    [
        ("fal-ai/nano-banana-pro/edit", "fal-ai/nano-banana-pro"),
        ("openai/gpt-image-2", "openai/gpt-image-2"),
        ("fal-ai/flux-pro/kontext/max/multi", "fal-ai/flux-pro"),
        ("workflows/me/mine/part", "workflows/me/mine"),
        ("comfy/me/mine", "comfy/me/mine"),
    ],
)
def test_a_rebuilt_address_drops_the_sub_path(endpoint: str, app: str) -> None:
    built = address("cancel", root="https://p.example", endpoint=endpoint, request_id="a/b", given={})
    assert built == f"https://p.example/{app}/requests/a%2Fb/cancel"


async def test_an_address_elsewhere_never_gets_the_key(fal: FakeFal, provider: FalProvider, tmp_path: Path) -> None:
    with FakeFal.serving() as elsewhere:
        fal.address = elsewhere.origin
        submission = await provider.submit(portrait())
        assert (await followed(provider, submission))[-1].phase is Phase.DONE
        assert (await provider.fetch(submission, tmp_path)).pictures
        assert elsewhere.asked == []


# --- cancelling and checking


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (200, Cancelled.NOT_STARTED),
        (202, Cancelled.ASKED),
        (400, Cancelled.TOO_LATE),
        (404, Cancelled.TOO_LATE),
        (405, Cancelled.UNSUPPORTED),
    ],
)
async def test_a_cancel_says_what_it_achieved(
    fal: FakeFal, provider: FalProvider, code: int, outcome: Cancelled
) -> None:
    fal.plan(never=True, cancel=code)
    submission = await provider.submit(portrait())
    assert await provider.cancel(submission) is outcome
    assert fal.billed == (0 if code == 200 else 1)


async def test_a_cancel_after_the_end_is_too_late(fal: FakeFal, provider: FalProvider) -> None:
    assert await provider.cancel(await provider.submit(portrait())) is Cancelled.TOO_LATE


async def test_a_cancel_with_a_bad_key_is_the_operators_business(
    fal: FakeFal, provider: FalProvider, downloader: Downloader
) -> None:
    submission = await provider.submit(portrait())
    other = FalProvider(key="wrong", queue_url=fal.url, downloader=downloader)
    with pytest.raises(TellOperator):
        await other.cancel(replace(submission))
    with pytest.raises(TellOperator) as caught:
        await other.check()
    assert caught.value.code == "provider_key"
    await other.aclose()


async def test_a_check_costs_nothing_and_passes_with_a_good_key(fal: FakeFal, provider: FalProvider) -> None:
    await provider.check()
    assert fal.submits == 0


async def test_following_at_fal_takes_no_more_time_than_the_job(
    fal: FakeFal, provider: FalProvider, naps: Naps
) -> None:
    fal.plan(seconds=0.2)
    submission = await provider.submit(portrait())
    await followed(provider, submission)
    assert not naps.asked
