"""A plain request arrives as httpx would send it; what is not plain goes httpx's own way."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from providers.net import LeanClient, Transport
from providers.net.certificates import trusted
from tests.providers.media.web import Site, answer, redirect, site
from tests.waiting import LONG


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site() as made:
        made.pages["/a?x=1"] = made.pages["/a"] = answer(b'{"made": true}', Content_Type="application/json")
        yield made


def lean() -> LeanClient:
    return LeanClient(Transport(limits=httpx.Limits()), timeout=httpx.Timeout(LONG))


def said(head: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
    fields.pop(b"user-agent", None)
    fields.pop(b"connection", None)
    return first, fields


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("GET", {"headers": {"Authorization": "Key k"}}),
        ("POST", {"content": b"abc", "headers": {"content-type": "text/plain"}}),
        ("POST", {"json": {"words": "水彩"}}),
        ("PUT", {}),
        ("DELETE", {"headers": {}}),
    ],
)
async def test_a_plain_request_is_the_one_that_httpx_sends(method: str, given: dict[str, Any], web: Site) -> None:
    url = f"http://127.0.0.1:{web.port}/a?x=1"
    async with httpx.AsyncClient(verify=trusted()) as theirs, lean() as ours:
        first = await theirs.request(method, url, **given)
        second = await ours.request(method, url, **given)
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (200, {"made": True})
    (theirs_said, theirs_head), (ours_said, ours_head) = (said(head) for head in web.heads)
    assert (ours_said, ours_head) == (theirs_said, {**theirs_head, b"accept-encoding": b"gzip, deflate"})


async def test_a_redirect_is_an_answer_and_a_packed_answer_is_unpacked(web: Site) -> None:
    web.pages["/away"] = redirect("/a")
    web.pages["/packed"] = answer(gzip.compress(json.dumps([1]).encode()), Content_Encoding="gzip")
    async with lean() as client:
        assert (await client.get(f"http://127.0.0.1:{web.port}/away", follow_redirects=False)).status_code == 302
        assert (await client.get(f"http://127.0.0.1:{web.port}/packed")).json() == [1]


async def test_a_stream_left_early_gives_its_connection_back(web: Site) -> None:
    async with lean() as client:
        async with client.stream("GET", f"http://127.0.0.1:{web.port}/a") as response:
            assert response.status_code == 200
        assert (await client.get(f"http://127.0.0.1:{web.port}/a")).status_code == 200


async def test_what_is_not_plain_goes_by_httpx(web: Site) -> None:
    async with lean() as client:
        got = await client.post(f"http://me:secret@127.0.0.1:{web.port}/a", data={"a": "b"}, params={"x": "1"})
    first, fields = said(web.heads[0])
    assert got.status_code == 200
    assert first == b"POST /a?x=1 HTTP/1.1"
    assert fields[b"authorization"].startswith(b"Basic ")


@pytest.mark.parametrize("value", ["a\r\nEvil: yes", "a\nb", "a\0b"])
async def test_a_line_break_in_a_header_is_not_sent(value: str, web: Site) -> None:
    async with lean() as client:
        with pytest.raises(httpx.LocalProtocolError):
            await client.get(f"http://127.0.0.1:{web.port}/a", headers={"authorization": value})
    assert web.heads == []


async def test_a_client_that_was_closed_sends_nothing(web: Site) -> None:
    client = lean()
    await client.aclose()
    with pytest.raises(RuntimeError):
        await client.get(f"http://127.0.0.1:{web.port}/a")
    assert web.heads == []
