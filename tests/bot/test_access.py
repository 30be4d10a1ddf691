"""What the settings say about who may, and what an open installation with a paid key is told."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from bot.access import OPEN_PAGE_USD, access_rules, bot_budget, problems_of_access, warnings
from bot.cli.doctor import _check, _labels, _moderates
from bot.settings import Settings
from handlers.store.base import Ceilings


def settings(**values: object) -> Settings:
    bare = {"fal_key": None, "host": "127.0.0.1", "public_url": None}
    return Settings(_env_file=None, **{**bare, **values})  # type: ignore[arg-type]


def test_an_open_page_with_a_paid_key_has_a_budget_and_says_so() -> None:
    found = settings(host="0.0.0.0", fal_key="k")
    assert bot_budget(found) == found.budgets.bot == OPEN_PAGE_USD
    assert "OPEN TO STRANGERS" in warnings(found)[0]
    assert "fal" in warnings(found)[0]


@pytest.mark.parametrize(
    "values",
    [
        {"fal_key": "k"},
        {"host": "0.0.0.0"},
        {"host": "0.0.0.0", "fal_key": "k", "access": "invite", "access_codes": "SUMMER-PARTY"},
    ],
    ids=["this machine only", "nothing paid", "by invitation"],
)
def test_what_strangers_cannot_spend_needs_no_budget(values: dict[str, object]) -> None:
    assert bot_budget(settings(**values)) is None
    assert warnings(settings(**values)) == []


@pytest.mark.parametrize(
    ("values", "warned"),
    [
        ({"host": "0.0.0.0"}, True),
        ({"host": "0.0.0.0", "public_url": "http://photos.example"}, True),
        ({"host": "0.0.0.0", "public_url": "https://photos.example"}, False),
        ({}, False),
    ],
)
def test_a_password_that_can_be_read_on_its_way_is_warned_of(values: dict[str, object], warned: bool) -> None:
    found = warnings(settings(admin_password="correct-horse-battery", **values))
    assert any("ADMIN_PASSWORD" in line for line in found) is warned
    assert not any("horse" in line for line in found)


def test_unlimited_has_to_be_said_and_is_said_back() -> None:
    found = settings(host="0.0.0.0", fal_key="k", budget_bot_daily_usd="unlimited")
    assert bot_budget(found) is None
    assert "WITHOUT ANY LIMIT" in warnings(found)[0]
    assert bot_budget(settings(host="0.0.0.0", fal_key="k", budget_bot_daily_usd="3")) == 3
    with pytest.raises(ValidationError):
        settings(budget_bot_daily_usd="nan")


def test_rules_are_read_from_commas_and_numbers() -> None:
    rules = access_rules(
        settings(
            access="invite",
            access_allow="telegram:1, web:*",
            access_codes="SUMMER-PARTY:10,for-grandma",
            admins="telegram:1",
            pictures_person_daily=5,
            pictures_bot_monthly=100,
        )
    )
    assert rules.allow == {"telegram:1", "web:*"}
    assert rules.codes == {"SUMMER-PARTY": 10, "for-grandma": None}
    assert rules.admins == ("telegram:1",)
    assert rules.daily == Ceilings(person=Decimal(5))
    assert rules.monthly == Ceilings(bot=Decimal(100))


def test_settings_that_let_nobody_in_or_everybody_guess_are_complained_about_without_their_values() -> None:
    found = problems_of_access(settings(access="invite", access_codes="ab1", admins="ann", access_block="telegram:1"))
    assert len(found) == 2
    assert not any("ab1" in line or "ann" in line for line in found)
    assert "ACCESS_CODES" in problems_of_access(settings(access="invite"))[0]


async def test_doctor_reads_labels_back_and_says_where_moderation_does_not_answer() -> None:
    found = settings(moderation_base_url="http://127.0.0.1:9", label_producer="A good name")
    assert _labels(found).verdict == "ok"
    finding = await _check("moderation", lambda: _moderates(found))
    assert finding.verdict == "broken"
    assert "127.0.0.1" not in finding.message
