"""A numbered sheet of styles on one's own photo: its numbers are those of the menu, and pick."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from handlers.dialogue.previews import Previews
from handlers.fake_channel import FakeChannel
from handlers.jobs.visible_marks import VisibleMarks
from handlers.message import Outgoing
from handlers.style_previews import StylePreviews
from providers.fake import FakeProvider
from providers.offers import FREE, Offer, Offers, Reason
from providers.task import Operation, Task
from tests.world import Person, accept_really, hasty, offered, said

DRAWN = ("anime", "oil_painting", "watercolor")


@dataclass
class Desk:
    """Ann on a channel of her own, with a maker of previews who knows `styles`."""

    ann: Person
    channel: FakeChannel
    previews: Previews

    async def sheets(self) -> list[Outgoing]:
        await self.previews.idle()
        return list(self.channel.places.values())


def desk(tmp_path: Path, *, styles: Sequence[str] = DRAWN, unasked: bool = True) -> Desk:
    row = Offer(
        operation=Operation.PORTRAIT,
        model="drawn",
        price=FREE,
        seconds=1,
        styles=frozenset(styles),
        max_photos=1,
    )
    provider = FakeProvider(name="free", sleep=hasty, able=(row,))
    channel = FakeChannel("test")
    previews: list[Previews] = []
    ann = Person(tmp_path, accept=accept_really)
    previews.append(
        Previews(
            styles=StylePreviews(provider=provider, producer="Likeness"),
            channels={"test": channel},
            unasked={"test"} if unasked else (),
            store=ann.store,
            folder=tmp_path / "previews",
            photos_dir=tmp_path / "photos",
            marks=VisibleMarks(policy="off"),
        )
    )
    ann = Person(tmp_path, store=ann.store, accept=accept_really, previews=previews[0])
    ann.inbox.mkdir()
    Image.new("RGB", (96, 96), "teal").save(ann.inbox / "me.png")
    return Desk(ann=ann, channel=channel, previews=previews[0])


async def test_a_number_on_the_sheet_is_that_of_the_menu_though_not_all_can_be_sketched(tmp_path: Path) -> None:
    made = desk(tmp_path)
    await made.ann.sends("", "me.png")
    menu = offered(await made.ann.taps("group:art"))
    (sheet,) = await made.sheets()
    numbered = [line.split(". ")[0] for line in sheet.text.splitlines()[1:]]
    assert numbered == [str(menu.index(f"style:{style}") + 1) for style in menu_order(menu)]
    assert sheet.choices == (), "a list of its own would be numbered otherwise"
    await made.ann.sends(numbered[-1])
    assert (await made.ann.job()).order.shots[0].style == menu_order(menu)[-1]


def menu_order(menu: Sequence[str]) -> list[str]:
    return [choice.removeprefix("style:") for choice in menu if choice.removeprefix("style:") in DRAWN]


@pytest.mark.parametrize("unasked", [True, False])
async def test_the_sheet_of_all_styles_is_one_choice_away_and_its_numbers_pick(tmp_path: Path, unasked: bool) -> None:
    made = desk(tmp_path, unasked=unasked)
    assert "sketches" in offered(await made.ann.sends("", "me.png"))
    listed = await made.ann.sends("all on my photo")
    assert offered(listed) == [f"style:{style}" for style in DRAWN]
    assert len(await made.sheets()) == 1
    await made.ann.sends("2")
    assert (await made.ann.job()).order.shots[0].style == DRAWN[1]


async def test_where_messages_are_counted_a_page_of_styles_brings_no_sheet(tmp_path: Path) -> None:
    made = desk(tmp_path, unasked=False)
    await made.ann.sends("", "me.png")
    await made.ann.taps("group:art")
    assert await made.sheets() == []


async def test_without_a_photo_there_is_nothing_to_sketch_on(tmp_path: Path) -> None:
    made = desk(tmp_path)
    assert "sketches" not in offered(await made.ann.sends("styles"))
    assert "send a photo" in said(await made.ann.taps("sketches"))
    assert await made.sheets() == []


def test_previews_are_drafts_and_id_photos_come_last(tmp_path: Path) -> None:
    styles = StylePreviews(provider=FakeProvider(name="free"), producer="Likeness")
    possible = styles.possible(("id_photo_white", "anime", "vintage"))
    assert possible == ("anime", "vintage", "id_photo_white")


def test_offers_are_asked_once_for_each_style_until_they_change() -> None:
    asked: list[str | None] = []
    free = ServesThese()
    styles = StylePreviews(provider=free, producer="Likeness")
    for known in (DRAWN[:2], DRAWN[1:]):
        free.serve(known, asked)
        assert [styles.possible(DRAWN) for _ in range(3)] == [known] * 3
    assert asked == [*DRAWN, *DRAWN]


class ServesThese(FakeProvider):
    """Its offers stay the same object, as a service's do, until they are served anew."""

    served = Offers(service="free")

    @property
    def offers(self) -> Offers:
        return self.served

    def serve(self, styles: Sequence[str], asked: list[str | None]) -> None:
        def refuses(task: Task) -> Reason | None:
            asked.append(task.style)
            return None if task.style in styles else Reason.STYLE

        row = Offer(operation=Operation.PORTRAIT, model="drawn", price=FREE, seconds=1.0, refuses=refuses)
        self.served = Offers(service="free", rows=(row,))
