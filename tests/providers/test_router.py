"""Who is asked, in which order, and what is said where nobody can."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from providers.base import Request
from providers.errors import AskPerson, TellOperator
from providers.fake import FakeProvider, offer
from providers.money import Money
from providers.offers import Tier
from providers.preferences import ANYONE, Preferences, Priority, only
from providers.registry import services
from providers.router import Router
from providers.settings import ProviderSettings
from providers.task import Consistency, Operation
from tests.providers.wanted import changed, portrait, wanted

BASIC = (
    offer(Operation.PORTRAIT, styles=frozenset({"anime"}), free_prompt=False),
    offer(Operation.UPSCALE),
)


def embedded() -> FakeProvider:
    return FakeProvider(name="embedded", able=BASIC, repeatable=True, tier=Tier.LOCAL)


def names(router: Router, request: Request, named: str | None = None) -> list[str]:
    return [c.name for c in router.candidates(request.task, only(named), lot=request.key)]


THREE = (FakeProvider(name="other"), FakeProvider(name="more"), FakeProvider(name="fal"))


def test_without_preferences_the_order_is_always_the_same() -> None:
    assert names(Router(THREE), portrait()) == ["fal", "other", "more"]


def test_preferred_providers_come_first_in_their_order() -> None:
    assert names(Router(THREE, preferred=("more", "other")), portrait()) == ["more", "other", "fal"]


def test_preference_comes_before_weight() -> None:
    router = Router(THREE, preferred=("more",), weights={"fal": 0.01, "other": 100})
    assert names(router, portrait("a"))[0] == "more"


def test_weights_share_requests_in_proportion() -> None:
    router = Router(THREE, weights={"fal": 0.75, "other": 0.25})
    first = Counter(names(router, portrait(f"job-{n}"))[0] for n in range(2000))
    assert set(first) == {"fal", "other"}
    assert first["fal"] / 2000 == pytest.approx(0.75, abs=0.04)


def test_the_lot_is_the_same_again_for_the_same_request_and_all_its_pieces() -> None:
    router = Router(THREE, weights={"fal": 0.5, "other": 0.5})
    for n in range(50):
        whole = portrait(f"job-{n}")
        pieces = [names(router, replace(whole, key=f"{whole.key}#{m}")) for m in range(4)]
        assert pieces == [names(router, whole)] * 4


def test_a_weight_of_nothing_comes_last() -> None:
    assert names(Router(THREE, weights={"fal": 0.0, "more": 1}), portrait()) == ["more", "other", "fal"]


def test_a_blocked_provider_is_not_asked() -> None:
    assert names(Router(THREE, blocked=("fal",), preferred=("fal",)), portrait()) == ["other", "more"]


def test_a_named_provider_is_the_only_one_whatever_the_preferences_say() -> None:
    router = Router(THREE, preferred=("fal",), weights={"other": 1})
    assert names(router, portrait(), "more") == ["more"]


def test_a_blocked_provider_that_is_named_is_refused() -> None:
    with pytest.raises(AskPerson) as caught:
        Router(THREE, blocked=("fal",)).candidates(portrait().task, only("fal"))
    assert (caught.value.code, caught.value.params) == ("provider_blocked", {"given": "fal"})


def test_a_misspelt_provider_is_refused_with_the_nearest() -> None:
    with pytest.raises(AskPerson) as caught:
        Router(THREE).candidates(portrait().task, only("othre"))
    assert (caught.value.code, str(caught.value.params["nearest"]).split(", ")[0]) == ("unknown_provider", "other")


def test_a_service_without_its_setting_is_refused_with_the_setting() -> None:
    with pytest.raises(AskPerson) as caught:
        Router([embedded()]).candidates(portrait().task, only("fal"))
    assert (caught.value.code, caught.value.params["setting"]) == ("provider_not_configured", "FAL_KEY")


def test_a_named_provider_that_cannot_do_it_is_refused_with_those_that_could() -> None:
    with pytest.raises(AskPerson) as caught:
        Router([embedded()]).candidates(portrait(style="hanfu").task, only("embedded"))
    assert (caught.value.code, caught.value.params["reason"]) == ("provider_cannot", "style")
    assert "FAL_KEY" in str(caught.value.params["could"])


def test_the_embedded_provider_waits_until_no_service_can() -> None:
    router = Router([embedded(), FakeProvider(name="fal")], preferred=("embedded",))
    assert names(router, portrait(style="anime")) == ["fal"]
    assert names(router, portrait(style="anime"), "embedded") == ["embedded"]
    assert names(Router([embedded()]), portrait(style="anime")) == ["embedded"]


def test_where_nobody_can_it_is_said_who_could() -> None:
    with pytest.raises(AskPerson) as caught:
        Router([embedded()]).candidates(portrait(style="hanfu").task)
    assert caught.value.code == "no_provider"
    assert str(caught.value.params["could"]).startswith("fal (FAL_KEY)")


def test_what_no_service_could_do_is_told_apart() -> None:
    with pytest.raises(AskPerson) as caught:
        Router([embedded()]).candidates(replace(portrait(style="hanfu").task, photos=99))
    assert (caught.value.code, caught.value.params) == ("no_provider", {})


def test_an_estimate_is_that_of_the_first_candidate() -> None:
    router = Router([FakeProvider(name="fal", usd=0.15), FakeProvider(name="other", usd=0.2)])
    assert router.estimate(portrait(count=2).task).cost == Money.usd("0.3")
    assert router.estimate(portrait(count=2).task, only("other")).cost == Money.usd("0.4")


def test_a_job_at_a_service_no_longer_configured_is_the_operators_business() -> None:
    with pytest.raises(TellOperator) as caught:
        Router(THREE).provider("replicate")
    assert caught.value.code == "provider_gone"


def test_every_setting_that_turns_a_service_on_is_one_there_is() -> None:
    settings = {service.setting.lower() for service in services().values() if service.setting}
    assert settings <= set(ProviderSettings.model_fields)


def test_a_model_of_a_service_is_made_by_that_service_alone() -> None:
    own = wanted(operation=Operation.CREATE, model="other/fake-model")
    assert names(Router(THREE), own) == ["other"]
    with pytest.raises(AskPerson) as caught:
        Router(THREE).candidates(changed(own, model="other/no-such-model").task)
    assert (caught.value.code, caught.value.params["reason"]) == ("provider_cannot", "model")


# --- what the request itself wishes


def asked(request: Request, router: Router, **wishes: object) -> list[str]:
    preferences = Preferences(**wishes)  # type: ignore[arg-type]
    return [c.name for c in router.candidates(request.task, preferences, lot=request.key)]


def test_the_requests_own_preference_goes_before_the_settings() -> None:
    router = Router(THREE, preferred=("fal",), weights={"other": 5})
    assert asked(portrait(), router, prefer=("more",)) == ["more", "fal", "other"]


def test_the_requests_own_weights_stand_in_for_those_of_the_settings() -> None:
    router = Router(THREE, weights={"fal": 1000.0})
    first = Counter(asked(portrait(f"job-{n}"), router, weights={"more": 1.0, "other": 1.0})[0] for n in range(400))
    assert set(first) == {"more", "other"}
    assert first["more"] / 400 == pytest.approx(0.5, abs=0.1)


def test_what_the_request_blocks_is_not_asked_even_if_named_or_preferred() -> None:
    router = Router(THREE, preferred=("fal",))
    assert asked(portrait(), router, block=frozenset({"fal"}), prefer=("fal",)) == ["other", "more"]
    with pytest.raises(AskPerson) as caught:
        asked(portrait(), router, block=frozenset({"fal"}), provider="fal")
    assert caught.value.code == "provider_blocked"


def test_what_is_put_first_decides_where_nothing_else_does() -> None:
    def one(name: str, usd: str, seconds: float, quality: int) -> FakeProvider:
        return FakeProvider(name=name, able=[offer(Operation.PORTRAIT, usd=usd, seconds=seconds, quality=quality)])

    router = Router([one("dear", "0.9", 30, 5), one("quick", "0.5", 1, 2), one("cheap", "0.01", 60, 1)])
    assert asked(portrait(), router)[0] == "dear"
    assert asked(portrait(), router, priority=Priority.SPEED) == ["quick", "dear", "cheap"]
    assert asked(portrait(), router, priority=Priority.COST) == ["cheap", "quick", "dear"]


def test_photos_that_must_not_leave_go_to_the_operators_own_machines_or_nowhere(photo: Path) -> None:
    own = FakeProvider(name="mine", tier=Tier.OWN)
    company = FakeProvider(name="fal")
    with_photo = portrait(style="anime", photos=(photo,))
    assert asked(with_photo, Router([company, own, embedded()]), priority=Priority.PRIVACY)[0] == "mine"
    assert "fal" not in asked(with_photo, Router([company, own, embedded()]), priority=Priority.PRIVACY)
    assert asked(with_photo, Router([company, embedded()]), priority=Priority.PRIVACY) == ["embedded"]
    with pytest.raises(AskPerson) as caught:
        asked(with_photo, Router([company]), priority=Priority.PRIVACY)
    assert caught.value.code == "no_provider"
    words_only = portrait(style="anime")
    assert asked(words_only, Router([company, own]), priority=Priority.PRIVACY) == ["mine", "fal"]


def test_photos_that_must_not_leave_do_not_go_to_a_company_that_is_named_either(photo: Path) -> None:
    router = Router([FakeProvider(name="openai"), FakeProvider(name="a1111", tier=Tier.OWN)])
    task = portrait(photos=(photo,)).task
    for named in (Preferences(provider="openai"), ANYONE):
        wanted = replace(named, wished=Priority.PRIVACY)
        asked = task if named.provider else replace(task, model="openai/fake-model")
        with pytest.raises(AskPerson) as caught:
            router.candidates(asked, wanted)
        assert (caught.value.code, caught.value.params["reason"]) == ("provider_cannot", "privacy")
        assert caught.value.text_key == "error.provider_private"
    assert [c.name for c in router.candidates(task, Preferences(wished=Priority.PRIVACY))] == ["a1111"]


def test_this_machine_is_asked_first_where_the_request_prefers_it_by_name() -> None:
    router = Router([embedded(), FakeProvider(name="fal")])
    assert asked(portrait(style="anime"), router, prefer=("embedded",)) == ["embedded", "fal"]


def test_strict_likeness_leaves_only_those_who_hold_a_face(photo: Path) -> None:
    loose = FakeProvider(name="loose", able=[offer(Operation.PORTRAIT, consistency=frozenset({Consistency.LOOSE}))])
    router = Router([loose, FakeProvider(name="fal")])
    wish = portrait(photos=(photo,), consistency=Consistency.STRICT)
    assert names(router, wish) == ["fal"]
    with pytest.raises(AskPerson) as caught:
        Router([loose]).candidates(wish.task, only("loose"))
    assert caught.value.params["reason"] == "consistency"


def test_who_could_is_told_by_key_configured_or_not(photo: Path) -> None:
    with pytest.raises(AskPerson) as caught:
        Router([embedded(), FakeProvider(name="other")]).candidates(portrait(style="hanfu").task, only("embedded"))
    assert caught.value.could[:2] == ("fal", "other") or set(caught.value.could) >= {"fal", "other"}
