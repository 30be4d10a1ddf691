"""Calls that an earlier version wrote down are resumed by this one."""

import json

from providers import generate_image, resume_request
from providers.api.journal import documents
from providers.settings import ProviderSettings
from tests.servers.fal import FakeFal


async def test_a_call_with_one_provider_instead_of_preferences_is_resumed_and_asks_nobody_else(
    fal: FakeFal, settings: ProviderSettings
) -> None:
    made = await generate_image("a boat", key="mine", provider="fal", settings=settings)
    folder = settings.data_dir / "requests"
    path = folder / "mine.json"
    document = json.loads(path.read_text("utf-8"))
    del document["call"]["preferences"], document["call"]["estimates"]
    document["call"]["provider"] = "fal"
    path.write_text(json.dumps(document | {"version": 2}), "utf-8")
    (old,) = documents(folder)
    assert (old.call.preferences.provider, old.call.estimates) == ("fal", ())
    again = await resume_request("mine", settings=settings)
    assert (again["images"], again["total_cost"], fal.submits) == (made["images"], 0.15, 1)
