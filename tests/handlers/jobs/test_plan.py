"""From an order to requests and to a quote."""

from pathlib import Path

import pytest

from handlers.jobs.plan import links, pieces, quote, request_for
from handlers.order import Edit, Order, Shot
from providers.errors import AskPerson
from providers.fake import FakeProvider
from providers.money import Money
from providers.offers import Tier
from providers.router import Router
from providers.task import Operation

ANN, BEN = Path("/photos/ann.jpg"), Path("/photos/ben.jpg")
MADE = Path("/pictures/made.png")


def edit(*edits: Edit, **changes: object) -> Order:
    order = Order(operation="edit", shots=(Shot(edits=edits, count=2),), photos=(ANN, BEN))
    return order.model_copy(update=changes)


def portrait(*shots: Shot, **changes: object) -> Order:
    return Order(operation="portrait", shots=shots, photos=(ANN,)).model_copy(update=changes)


def router(**named: int) -> Router:
    """Providers by name and the most pictures they take at once."""
    return Router(
        [
            FakeProvider(
                name=name,
                usd=0.0 if name == "embedded" else 0.1,
                tier=Tier.LOCAL if name == "embedded" else Tier.SERVICE,
                max_count=count,
            )
            for name, count in named.items()
        ]
    )


def test_a_portrait_takes_its_style_its_ratio_and_the_persons_words() -> None:
    request = request_for(portrait(Shot(style="linkedin", scene="in a garden", count=3), take=2), job_id="j", shot=0)
    assert (request.key, request.task.operation, request.task.style) == ("j-0-0", Operation.PORTRAIT, "linkedin")
    assert (request.text, request.count, request.task.variant, request.photos) == ("in a garden", 3, 2, (ANN,))
    assert request.task.aspect_ratio is not None
    assert "garden" in request.prompt


def test_a_portrait_without_style_is_professional_and_an_own_prompt_has_none() -> None:
    assert request_for(portrait(Shot()), job_id="j", shot=0).task.style == "professional"
    own = request_for(portrait(Shot(prompt="as a wizard")), job_id="j", shot=0)
    assert (own.task.style, own.text, own.task.aspect_ratio) == (None, "as a wizard", None)


def test_an_asked_for_ratio_wins_over_the_styles() -> None:
    assert (
        request_for(portrait(Shot(style="anime"), aspect_ratio="16:9"), job_id="j", shot=0).task.aspect_ratio == "16:9"
    )


def test_a_create_needs_words() -> None:
    order = Order(operation="create", shots=(Shot(prompt="a lighthouse"),))
    request = request_for(order, job_id="j", shot=0)
    assert (request.task.operation, request.photos, request.text) == (Operation.CREATE, (), "a lighthouse")
    with pytest.raises(AskPerson):
        request_for(Order(operation="create", shots=(Shot(),)), job_id="j", shot=0)


def test_a_chain_works_on_what_was_made_and_counts_only_its_last_link() -> None:
    order = edit(Edit(action="restore"), Edit(action="upscale", scale=4), aspect_ratio="1:1", mask=Path("/mask.png"))
    assert links(order.shots[0]) == 2
    first = request_for(order, job_id="j", shot=0, link=0)
    last = request_for(order, job_id="j", shot=0, link=1, made=(MADE,))
    assert (first.key, first.photos, first.count, first.mask, first.task.aspect_ratio) == (
        "j-0-0",
        (ANN, BEN),
        1,
        Path("/mask.png"),
        None,
    )
    assert (last.key, last.photos, last.count, last.mask, last.task.aspect_ratio, last.task.scale) == (
        "j-0-1",
        (MADE,),
        2,
        None,
        "1:1",
        4,
    )


def test_a_later_link_that_needs_two_pictures_gets_the_persons_second() -> None:
    order = edit(Edit(action="restore"), Edit(action="transfer_style"))
    assert request_for(order, job_id="j", shot=0, link=1, made=(MADE,)).photos == (MADE, BEN)


def test_a_shot_of_one_photo_takes_only_that() -> None:
    order = edit().model_copy(update={"shots": (Shot(edits=(Edit(action="enhance"),), photo=1),)})
    assert request_for(order, job_id="j", shot=0).photos == (BEN,)


@pytest.mark.parametrize("shot", [Shot(style="no such style"), Shot(edits=(Edit(action="no such action"),))])
def test_what_does_not_exist_is_an_error_and_no_request(shot: Shot) -> None:
    order = portrait(shot) if shot.style else edit().model_copy(update={"shots": (shot,)})
    with pytest.raises(AskPerson):
        request_for(order, job_id="j", shot=0)


def test_pieces_are_what_every_candidate_can_take() -> None:
    assert pieces(portrait(Shot(style="anime"), Shot(style="vintage")), job_id="j", router=router(a=4, b=2)) == (2, 2)


def test_a_quote_adds_up_what_follows_and_takes_the_longest_of_what_runs_side_by_side() -> None:
    assert quote(portrait(Shot(style="anime", count=6)), router(a=4)).cost == Money.usd("0.6")
    assert quote(portrait(Shot(style="anime", count=6)), router(a=4)).seconds == 5.0
    series = quote(portrait(Shot(style="anime"), Shot(style="vintage")), router(a=4))
    assert series.cost == Money.usd("0.2")
    assert series.seconds == 5.0
    chain = quote(edit(Edit(action="restore"), Edit(action="enhance")), router(a=4))
    assert chain.cost == Money.usd("0.3")
    assert chain.seconds == 10.0
    assert not chain.basic


def test_only_what_the_machine_does_alone_is_basic() -> None:
    assert quote(portrait(Shot(style="anime")), router(embedded=1)).basic
    assert not quote(portrait(Shot(style="anime")), router(a=1, embedded=1)).basic
