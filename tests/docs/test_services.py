"""docs/services.md is what the program writes: every operation of every service, as it is sent today."""

import pytest

from providers.registry import services
from providers.task import PICTURES, Operation
from tests.docs.services_table import PAGE, SERVICES, rows_of, section


def test_every_service_that_is_asked_over_the_net_is_on_the_page() -> None:
    assert set(SERVICES) == set(services()) - {"embedded"}


@pytest.mark.parametrize("name", SERVICES)
async def test_the_page_says_what_is_sent_and_what_comes_back(name: str) -> None:
    rows = await rows_of(name)
    assert {row.operation for row in rows} == set(Operation) & PICTURES
    assert section(name, rows) in PAGE.read_text("utf-8"), "python -m tests.docs.services_table writes it anew"
    assert all(row.calls and row.came_back for row in rows if row.support != "no")
    both = next(row for row in rows if row.operation is Operation.STYLE_TRANSFER)
    sent = [word for call in both.calls for word in (*call.fields, *call.files)]
    named = [word for word in sent if "image" in word or "reference" in word]
    counted = any("× 2" in word for word in sent) or len(named) > 1 or "input.messages" in sent
    assert both.support == "no" or counted, "a style transfer sends both pictures"
