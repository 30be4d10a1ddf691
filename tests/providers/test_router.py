"""Who is asked, in which order, and what is said where nobody can."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from providers.base import MODELS, Capabilities, Operation, Request
from providers.errors import AskPerson, TellOperator, WaitAndRetry
from providers.fake import FakeProvider
from providers.known import KNOWN
from providers.router import Router
from providers.settings import ProviderSettings
from tests.providers.conftest import portrait

BASIC = Capabilities(
    operations=frozenset({Operation.PORTRAIT, Operation.EDIT}),
    models=frozenset(MODELS),
    styles=frozenset({"anime"}),
    actions=frozenset({"upscale"}),
    free_prompts=False,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def embedded() -> FakeProvider:
    return FakeProvider(name="embedded", capabilities=BASIC, repeatable=True)


def names(router: Router, request: Request, named: str | None = None) -> list[str]:
    return [p.name for p in router.candidates(request, named)]


THREE = (FakeProvider(name="bfl"), FakeProvider(name="openai"), FakeProvider(name="fal"))


def test_without_preferences_the_order_is_always_the_same() -> None:
    assert names(Router(THREE), portrait()) == ["fal", "openai", "bfl"]


def test_preferred_providers_come_first_in_their_order() -> None:
    assert names(Router(THREE, preferred=("bfl", "openai")), portrait()) == ["bfl", "openai", "fal"]


def test_preference_comes_before_weight() -> None:
    router = Router(THREE, preferred=("bfl",), weights={"fal": 0.01, "openai": 100})
    assert names(router, portrait("a"))[0] == "bfl"


def test_weights_share_requests_in_proportion() -> None:
    router = Router(THREE, weights={"fal": 0.75, "openai": 0.25})
    first = Counter(names(router, portrait(f"job-{n}"))[0] for n in range(2000))
    assert set(first) == {"fal", "openai"}
    assert first["fal"] / 2000 == pytest.approx(0.75, abs=0.04)


def test_the_lot_is_the_same_again_for_the_same_request_and_all_its_pieces() -> None:
    router = Router(THREE, weights={"fal": 0.5, "openai": 0.5})
    for n in range(50):
        whole = portrait(f"job-{n}")
        pieces = [names(router, replace(whole, key=f"{whole.key}#{m}")) for m in range(4)]
        assert pieces == [names(router, whole)] * 4


def test_a_weight_of_nothing_comes_last() -> None:
    assert names(Router(THREE, weights={"fal": 0.0, "bfl": 1}), portrait()) == ["bfl", "openai", "fal"]


def test_a_blocked_provider_is_not_asked() -> None:
    assert names(Router(THREE, blocked=("fal",), preferred=("fal",)), portrait()) == ["openai", "bfl"]


def test_a_named_provider_is_the_only_one_whatever_the_preferences_say() -> None:
    router = Router(THREE, preferred=("fal",), weights={"openai": 1})
    assert names(router, portrait(), "bfl") == ["bfl"]


def test_a_blocked_provider_that_is_named_is_refused() -> None:
    with pytest.raises(AskPerson) as caught:
        Router(THREE, blocked=("fal",)).candidates(portrait(), "fal")
    assert (caught.value.code, caught.value.params) == ("provider_blocked", {"given": "fal"})


def test_a_misspelt_provider_is_refused_with_the_nearest() -> None:
    with pytest.raises(AskPerson) as caught:
        Router(THREE).candidates(portrait(), "opnai")
    assert (caught.value.code, caught.value.params["nearest"]) == ("unknown_provider", "openai")


def test_a_service_without_its_setting_is_refused_with_the_setting() -> None:
    with pytest.raises(AskPerson) as caught:
        Router(THREE).candidates(portrait(), "stability")
    assert (caught.value.code, caught.value.params["setting"]) == ("provider_not_configured", "STABILITY_API_KEY")


def test_a_named_provider_that_cannot_do_it_is_refused_with_those_that_could() -> None:
    with pytest.raises(AskPerson) as caught:
        Router([embedded()]).candidates(portrait(style="hanfu"), "embedded")
    assert (caught.value.code, caught.value.params["reason"]) == ("provider_cannot", "style")
    assert "FAL_KEY" in str(caught.value.params["could"])


def test_the_embedded_provider_waits_until_no_service_can() -> None:
    router = Router([embedded(), FakeProvider(name="fal")], preferred=("embedded",))
    assert names(router, portrait(style="anime")) == ["fal"]
    assert names(router, portrait(style="anime"), "embedded") == ["embedded"]
    assert names(Router([embedded()]), portrait(style="anime")) == ["embedded"]


def test_where_nobody_can_it_is_said_who_could() -> None:
    with pytest.raises(AskPerson) as caught:
        Router([embedded()]).candidates(portrait(style="hanfu"))
    assert caught.value.code == "no_provider"
    assert caught.value.params["could"] == "fal (FAL_KEY)"  # no service is named whose key would do nothing


def test_where_only_services_could_that_are_not_used_yet_no_setting_is_named(photo: Path) -> None:
    edit = Request(
        key="e", operation=Operation.EDIT, prompt="x", action="blend", photos=(photo,) * 3, mask=photo, model="nano2"
    )
    with pytest.raises(AskPerson) as caught:
        Router([embedded()], blocked=("bfl",)).candidates(edit)
    assert caught.value.params["could"] == "OpenAI, Replicate"


def test_what_no_service_could_do_is_told_apart(photo: Path) -> None:
    with pytest.raises(AskPerson) as caught:
        Router([embedded()]).candidates(portrait(style="hanfu", photos=(photo,) * 9))
    assert (caught.value.code, caught.value.params) == ("nobody_can", {})


def test_a_refused_account_is_asked_last_for_five_minutes() -> None:
    clock = Clock()
    router = Router(THREE, preferred=("fal",), clock=clock)
    router.failed("fal", TellOperator("bad key"))
    assert names(router, portrait()) == ["openai", "bfl", "fal"]
    clock.now += 299
    assert names(router, portrait())[-1] == "fal"
    clock.now += 2
    assert names(router, portrait())[0] == "fal"


def test_being_busy_is_no_disgrace() -> None:
    router = Router(THREE)
    router.failed("fal", WaitAndRetry())
    assert names(router, portrait())[0] == "fal"


def test_an_estimate_is_that_of_the_first_candidate() -> None:
    router = Router([FakeProvider(name="fal", usd=0.15), FakeProvider(name="openai", usd=0.2)])
    assert router.estimate(portrait(count=2)).usd == pytest.approx(0.3)
    assert router.estimate(portrait(count=2), "openai").usd == pytest.approx(0.4)


def test_a_job_at_a_service_no_longer_configured_is_the_operators_business() -> None:
    with pytest.raises(TellOperator) as caught:
        Router(THREE).provider("replicate")
    assert caught.value.code == "provider_gone"


def test_every_known_setting_is_one_there_is() -> None:
    assert {known.setting.lower() for known in KNOWN.values()} <= set(ProviderSettings.model_fields)
