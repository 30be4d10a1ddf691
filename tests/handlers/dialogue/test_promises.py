"""What is promised can be made with what is set up now; who cannot set anything up is told of no setting."""

import re
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Settings
from handlers.dialogue.access import AccessRules
from handlers.dialogue.interpretation import order_from
from handlers.jobs.plan import quoted
from handlers.words import words
from intent import parse
from providers.base import Provider
from providers.embedded.provider import EmbeddedProvider
from providers.fake import FakeProvider
from providers.router import Router
from tests.world import Person, offered, said

OWNER = AccessRules(owners=frozenset({"test:*"}))


def at_home(tmp_path: Path, *services: Provider, **more: Any) -> Person:
    router = Router([*services, EmbeddedProvider(tmp_path / "spool")])
    return Person(tmp_path, quote=quoted(router), **more)


@pytest.mark.parametrize("ask", ["/help", "帮助"])
async def test_every_example_of_the_help_begins_a_job_here(tmp_path: Path, ask: str) -> None:
    text = said(await at_home(tmp_path).sends(ask))
    examples = re.findall("“(.+?)”", text.rsplit("\n", 2)[0])
    quote = quoted(Router([EmbeddedProvider(tmp_path / "spool")]))
    assert len(examples) >= 6
    for wish in examples:
        assert quote(order_from(parse(wish, photos=1), (tmp_path / "me.jpg",), "en")).basic
    assert not any(wish in text for wish in ("wizard", "魔法师", "LinkedIn", "领英", "lighthouse", "灯塔"))


async def test_with_a_service_the_help_shows_what_that_can_do(tmp_path: Path) -> None:
    text = said(await at_home(tmp_path, FakeProvider(name="fal")).sends("/help"))
    assert all(wish in text for wish in ("wizard", "LinkedIn", "lighthouse"))


@pytest.mark.parametrize("wish", ["dating photo", "交友照片", "beach photo"])
async def test_no_question_offers_what_cannot_be_made(tmp_path: Path, wish: str) -> None:
    replies = await at_home(tmp_path).sends(wish, "me.jpg")
    assert not [choice for choice in offered(replies) if choice.startswith("style:")]
    assert "groups" in offered(replies)
    with_service = await at_home(tmp_path, FakeProvider(name="fal"), name="bob").sends(wish, "me.jpg")
    assert [choice for choice in offered(with_service) if choice.startswith("style:")]


async def test_readings_that_cannot_be_made_are_no_buttons(tmp_path: Path) -> None:
    replies = await at_home(tmp_path).sends("pixel art", "me.jpg")
    labels = [choice.label for reply in replies for choice in reply.choices]
    assert not any("pixel" in label.lower() for label in labels)


async def test_make_me_look_professional_makes_the_portrait_that_is_made_here(tmp_path: Path) -> None:
    ann = at_home(tmp_path)
    replies = await ann.sends("make me look professional", "me.jpg")
    (shot,) = (await ann.job()).order.shots
    assert (shot.style, shot.scene) == ("professional", None)
    assert "look professional" not in said(replies)


@pytest.mark.parametrize("wish", ["汉服照", "me as a wizard", "anime with OpenAI"])
async def test_a_guest_reads_no_settings_name_and_the_owner_which_one_is_missing(tmp_path: Path, wish: str) -> None:
    guest = said(await at_home(tmp_path).sends(wish, "me.jpg"))
    owner = said(await at_home(tmp_path, access=OWNER, name="own").sends(wish, "me.jpg"))
    assert not re.search("[A-Z]+_[A-Z]+", guest)
    assert re.search("OPENAI_API_KEY|FAL_KEY", owner)


async def test_in_a_group_the_owner_is_a_guest_among_guests(tmp_path: Path) -> None:
    own = at_home(tmp_path, access=OWNER)
    assert not re.search("[A-Z]+_[A-Z]+", said(await own.sends("汉服照", "me.jpg", group=True)))


def test_who_sits_at_this_machine_is_its_owner_until_the_page_can_be_reached_from_elsewhere() -> None:
    assert "web:*" in Settings(_env_file=None).access_rules.owners
    assert not Settings(_env_file=None, host="0.0.0.0").access_rules.owners
    assert not Settings(_env_file=None, public_url="https://photos.example").access_rules.owners


async def test_the_dating_question_names_the_way_out_to_its_owner(tmp_path: Path) -> None:
    text = said(await at_home(tmp_path, access=OWNER).sends("约会照", "me.jpg"))
    assert "FAL_KEY" in text
    assert text != words("zh", "error.no_provider_here")
