"""What a receipt says: who made it, how the face was held, from and to how many pixels, and how its cost is known."""

from dataclasses import replace
from pathlib import Path

import pytest

from handlers.jobs.receipt import WAYS
from handlers.order import Edit, Order, Shot
from handlers.words import texts
from providers.base import Charge, CostSource, Result, Submission
from providers.catalog import MODELS
from providers.fake import FakeProvider, Script, offer
from providers.money import Money
from providers.offers import Tier
from providers.registry import services
from providers.task import Consistency, Operation, Outpaint
from tests.world import FakeWorld, hasty, world


class Priced(FakeProvider):
    """Says what it cost, and how that is known."""

    source = CostSource.TABLE

    async def fetch(self, submission: Submission, into: Path) -> Result:
        result = await super().fetch(submission, into)
        return replace(result, charge=Charge(money=Money.usd("0.15"), source=self.source))


class Told(Priced):
    source = CostSource.ANSWER


async def receipt(run: FakeWorld, order: Order) -> str:
    await run.do("j1", order)
    return run.channel.places["place-result:j1"].text


@pytest.mark.parametrize(("maker", "said"), [(Priced, "$0.15 at list price"), (Told, "$0.15")])
async def test_a_receipt_says_who_made_it_and_whether_its_cost_is_an_estimate(
    tmp_path: Path, maker: type[Priced], said: str
) -> None:
    async with world(tmp_path, provider=maker(name="bfl", sleep=hasty)) as run:
        first = (await receipt(run, run.order())).splitlines()[0]
    assert f"{MODELS['nanopro'].name('en')}, Black Forest Labs" in first
    assert first.endswith(said)


async def test_a_receipt_says_how_a_face_was_held(tmp_path: Path) -> None:
    able = [offer(Operation.PORTRAIT, identity="a face adapter (PuLID)")]
    async with world(tmp_path, provider=FakeProvider(able=able, sleep=hasty)) as run:
        text = await receipt(run, run.order(consistency="strict"))
        assert run.provider.submitted[0].task.consistency is Consistency.STRICT
    assert "Face: exactly the same (by a face adapter, PuLID)" in text


async def test_a_receipt_says_where_less_was_to_be_had_than_asked_for(tmp_path: Path) -> None:
    able = [offer(Operation.PORTRAIT, identity="", consistency=frozenset({Consistency.LOOSE}))]
    async with world(tmp_path, provider=FakeProvider(able=able, sleep=hasty)) as run:
        text = await receipt(run, run.order(consistency="balanced", language="zh"))
    assert "人脸：要求大致相像，实际只作参考" in text


async def test_nothing_is_said_of_a_face_where_nothing_was_asked(tmp_path: Path) -> None:
    async with world(tmp_path) as run:
        assert "Face" not in await receipt(run, run.order())


async def test_an_enlargement_says_from_and_to_how_many_pixels(tmp_path: Path) -> None:
    async with world(tmp_path) as run:
        enlarge = Shot(edits=(Edit(action="upscale", scale=4),))
        text = await receipt(run, run.order(enlarge, operation="edit", sizes=((128, 96),)))
    assert "128×96 → 512×512 pixels" in text


async def test_an_enlargement_of_what_was_just_made_goes_by_its_size(tmp_path: Path) -> None:
    async with world(tmp_path) as run:
        chain = Shot(edits=(Edit(action="restore"), Edit(action="upscale", scale=2)))
        text = await receipt(run, run.order(chain, operation="edit", aspect_ratio="1:1", sizes=((64, 64),)))
    assert "512×512 → 512×512 pixels" in text


@pytest.mark.parametrize(
    ("tier", "shot", "size", "told"),
    [
        (Tier.LOCAL, Shot(style="anime"), (4096, 2731), True),
        (Tier.LOCAL, Shot(style="anime"), (560, 420), False),  # hardly less
        (Tier.LOCAL, Shot(style="id_photo_white"), (4096, 2731), False),  # the rule's size
        (Tier.LOCAL, Shot(edits=(Edit(action="edit", prompt="裁成1:1"),)), (4096, 2731), False),  # asked for
        (Tier.SERVICE, Shot(style="anime"), (4096, 2731), False),  # a new picture
    ],
)
async def test_what_keeps_fewer_pixels_than_the_photo_has_says_so(
    tmp_path: Path, tier: Tier, shot: Shot, size: tuple[int, int], told: bool
) -> None:
    provider = FakeProvider(sleep=hasty)
    provider.tier = tier
    async with world(tmp_path, provider=provider) as run:
        operation = "edit" if shot.edits else "portrait"
        text = await receipt(run, run.order(shot, operation=operation, sizes=(size,)))
    assert (f"{size[0]}×{size[1]} →" in text) is told


async def test_both_pictures_of_a_style_transfer_are_sent(tmp_path: Path) -> None:
    async with world(tmp_path) as run:
        look = run.folder / "look.png"
        look.write_bytes(run.photo.read_bytes())
        order = run.order(Shot(edits=(Edit(action="transfer_style"),)), operation="edit", photos=(run.photo, look))
        await run.do("j1", order)
        (sent,) = run.provider.submitted
    assert (sent.task.operation, sent.photos) == (Operation.STYLE_TRANSFER, (run.photo, look))


async def test_the_sides_of_an_outpaint_are_sent(tmp_path: Path) -> None:
    async with world(tmp_path) as run:
        wider = Shot(edits=(Edit(action="extend", prompt="上面多留点天"),))
        await run.do("j1", run.order(wider, operation="edit", sizes=((64, 64),)))
        (sent,) = run.provider.submitted
    assert (sent.task.operation, sent.task.parameters.outpaint) == (Operation.OUTPAINT, Outpaint(top=16))


def test_every_way_of_holding_a_face_has_words_in_both_languages() -> None:
    ways = {row.identity for service in services().values() for row in service.offers().rows if row.identity}
    assert ways <= WAYS.keys()
    assert set(WAYS.values()) <= texts("en").keys() & texts("zh").keys()


async def test_a_receipt_says_who_came_first_and_did_not_take_it(tmp_path: Path) -> None:
    busy = FakeProvider(name="fal", sleep=hasty, standing=Script(fault="busy"))
    openai = FakeProvider(name="openai", sleep=hasty)
    async with world(tmp_path, provider=busy, others=[openai]) as run:
        await run.do("j1")
        lines = run.channel.result("j1").text.splitlines()
        assert "OpenAI" in lines[0]
        assert lines[1] == "fal did not take it this time, so it was made elsewhere."
        busy.standing = Script()
        await run.do("j2")
        assert "elsewhere" not in run.channel.result("j2").text
