"""The address behind a post: a name that tells nothing, the same for one customer, and a pace."""

import pytest
from starlette.requests import HTTPConnection

from bot.channels.web.addresses import PostPace, address_of
from bot.channels.web.cookies import Sessions

SESSIONS = Sessions(secret=b"x" * 32)


def named(host: str, sessions: Sessions = SESSIONS) -> str | None:
    return address_of(HTTPConnection({"type": "http", "headers": [], "client": (host, 1)}), sessions)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "", "testclient"])
def test_this_machine_and_what_is_no_address_have_no_name(host: str) -> None:
    assert named(host) is None


def test_a_name_tells_nothing_and_is_this_installations_own() -> None:
    name = named("203.0.113.9")
    assert name is not None
    assert "203" not in name
    assert named("203.0.113.9", Sessions(secret=b"y" * 32)) != name
    assert named("::ffff:203.0.113.9") == name


def test_an_ipv6_customer_is_one_however_many_addresses_they_use() -> None:
    assert named("2001:db8:1:2::1") == named("2001:db8:1:2:ffff::9") != named("2001:db8:1:3::1")


def test_an_address_posts_so_often_in_a_minute_and_no_other_is_held_up() -> None:
    now = 0.0
    pace = PostPace(most=3, clock=lambda: now)
    assert [pace.lets("a") for _ in range(5)] == [True] * 3 + [False] * 2
    assert pace.lets("b")
    assert all(pace.lets(None) for _ in range(9))
    now = 61.0
    assert pace.lets("a")
