"""Downloads take no more than they may, from nowhere they may not."""

import asyncio
import base64
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest

from providers.errors import AskPerson, LikenessError, MadeNothing, WaitAndRetry
from providers.media.addresses import Dial, Resolver, dial, resolve
from providers.media.download import Downloader
from tests.providers.media.web import Detour, Names, Site, answer, certificate, redirect, site
from tests.waiting import LONG

PUBLIC, OTHER_PUBLIC = "8.8.8.8", "1.1.1.1"
BODY = b"picture " * 1000


@pytest.fixture
async def web() -> AsyncIterator[Site]:
    async with site() as made:
        made.pages["/a.png"] = answer(BODY)
        yield made


async def failure(
    url: str,
    *,
    names: Resolver | None = None,
    network: Dial = dial,
    trusted: frozenset[tuple[str, int]] = frozenset(),
    max_bytes: int = 100_000,
    timeout: float = LONG,
    given_by: Literal["person", "provider"] = "person",
    tls: ssl.SSLContext | None = None,
) -> LikenessError:
    made = Downloader(
        trusted_origins=trusted,
        max_bytes=max_bytes,
        timeout=timeout,
        resolver=names,
        dial=network,
        ssl_context=tls,
    )
    async with made:
        with pytest.raises(LikenessError) as caught:
            await made.download(url, given_by=given_by)
    assert "http" not in caught.value.hint.replace("HTTP", "").replace("https to http", "").replace("public http", "")
    return caught.value


def here(web: Site) -> frozenset[tuple[str, int]]:
    return frozenset({("127.0.0.1", web.port)})


async def test_a_public_address_is_downloaded(web: Site) -> None:
    web.pages["/a.png?x=1"] = answer(BODY)
    names, network = Names({"pictures.test": [[PUBLIC]]}), Detour(web.port)
    async with Downloader(resolver=names, dial=network) as downloader:
        assert await downloader.download(" http://Pictures.test/a.png?x=1#part\n", given_by="person") == BODY
    assert (network.reached, web.asked) == ([PUBLIC], ["/a.png?x=1"])


async def test_the_name_is_told_to_the_server_and_the_connection_goes_to_the_address(web: Site) -> None:
    names, network = Names({"pictures.test": [[PUBLIC]]}), Detour(web.port)
    async with Downloader(resolver=names, dial=network) as downloader:
        assert await downloader.download(f"http://pictures.test:{web.port}/a.png", given_by="person") == BODY
    assert network.reached == [PUBLIC]
    assert f"Host: pictures.test:{web.port}\r\n".encode() in web.heads[0]
    assert b"Accept-Encoding: identity" in web.heads[0]


async def test_a_name_that_changes_its_address_after_the_check_changes_nothing(web: Site) -> None:
    names, network = Names({"rebinding.test": [[PUBLIC], ["127.0.0.1"]]}), Detour(web.port)
    async with Downloader(resolver=names, dial=network) as downloader:
        assert await downloader.download("http://rebinding.test/a.png", given_by="person") == BODY
    assert names.asked == ["rebinding.test"]
    assert network.reached == [PUBLIC]


async def test_a_name_that_changes_its_address_between_redirects_is_checked_again(web: Site) -> None:
    web.pages["/again"] = redirect("http://rebinding.test/a.png")
    names, network = Names({"rebinding.test": [[PUBLIC], ["127.0.0.1"]]}), Detour(web.port)
    error = await failure("http://rebinding.test/again", names=names, network=network)
    assert error.code == "url_not_public"
    assert (web.asked, network.reached) == (["/again"], [PUBLIC])


async def test_one_private_address_among_public_ones_is_enough_to_refuse(web: Site) -> None:
    for addresses in ([PUBLIC, "10.0.0.1"], ["::1", PUBLIC], [OTHER_PUBLIC, PUBLIC, "::ffff:169.254.169.254"]):
        network = Detour(web.port)
        error = await failure("http://mixed.test/a.png", names=Names({"mixed.test": [addresses]}), network=network)
        assert error.code == "url_not_public"
        assert network.reached == []


async def test_where_the_first_address_is_dead_the_next_one_is_tried(web: Site) -> None:
    names, network = Names({"two.test": [[PUBLIC, OTHER_PUBLIC]]}), Detour(web.port, dead=[PUBLIC])
    async with Downloader(resolver=names, dial=network) as downloader:
        assert await downloader.download("http://two.test/a.png", given_by="person") == BODY
    assert network.reached == [PUBLIC, OTHER_PUBLIC]


PRIVATE = [
    "http://127.0.0.1:{port}/a.png",
    "http://localhost:{port}/a.png",
    "http://[::1]:{port}/a.png",
    "http://[::ffff:127.0.0.1]:{port}/a.png",
    "http://0x7f000001:{port}/a.png",
    "http://2130706433:{port}/a.png",
    "http://127.1:{port}/a.png",
    "http://0:{port}/a.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[64:ff9b::7f00:1]:{port}/a.png",
    "http://[2002:7f00:1::]:{port}/a.png",
    "https://127.0.0.1:{port}/a.png",
]


@pytest.mark.parametrize("url", PRIVATE)
async def test_private_addresses_are_refused_however_they_are_spelt(url: str, web: Site) -> None:
    error = await failure(url.format(port=web.port))
    assert isinstance(error, AskPerson)
    assert error.code == "url_not_public"
    assert web.asked == []


@pytest.mark.parametrize("url", PRIVATE)
async def test_a_redirect_to_a_private_address_is_refused(url: str, web: Site) -> None:
    web.pages["/away"] = redirect(url.format(port=web.port))
    known = Names({"public.test": [[PUBLIC]]})

    async def names(host: str, port: int) -> list[str]:
        return await known(host, port) if host == "public.test" else list(await resolve(host, port))

    network = Detour(web.port)
    error = await failure("http://public.test/away", names=names, network=network)
    assert error.code == "url_not_public"
    assert (web.asked, network.reached) == (["/away"], [PUBLIC])


async def test_the_origin_named_in_the_settings_may_be_private_and_only_that_one(web: Site) -> None:
    async with Downloader(trusted_origins=here(web)) as downloader:
        assert await downloader.download(f"http://127.0.0.1:{web.port}/a.png", given_by="provider") == BODY
    assert (await failure(f"http://localhost:{web.port}/a.png", trusted=here(web))).code == "url_not_public"
    assert (await failure("http://127.0.0.1:1/a.png", trusted=here(web))).code == "url_not_public"
    web.pages["/away"] = redirect("http://127.0.0.1:1/a.png")
    assert (await failure(f"http://127.0.0.1:{web.port}/away", trusted=here(web))).code == "url_not_public"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "photo.jpg",
        "//pictures.test/a.png",
        "ftp://pictures.test/a.png",
        "file:///etc/passwd",
        "gopher://pictures.test/",
        "javascript:alert(1)",
        "http://",
        "http:///a.png",
        "http://user@pictures.test/a.png",
        "http://user:secret@pictures.test/a.png",
        "http://pictures.test:99999/a.png",
        "http://pictures.test:0/a.png",
        "http://pictures.test/\x00a.png",
        "http://[::1/a.png",
        "http://0177.0.0.1/a.png",
        "http://" + "x" * 300 + "..test/" + "y" * 20_000,
        "data:image/png;base64",
        "data:image/png;base64,@@@@",
    ],
)
async def test_what_is_no_web_address_is_refused(url: str, web: Site) -> None:
    network = Detour(web.port)
    error = await failure(url, names=Names({"pictures.test": [[PUBLIC]]}), network=network)
    assert error.code == "bad_url"
    assert network.reached == []


async def test_a_redirect_with_a_password_or_to_another_scheme_is_refused(web: Site) -> None:
    for target in ("http://user:pw@pictures.test/a.png", "file:///etc/passwd", "ftp://pictures.test/"):
        web.pages["/away"] = redirect(target)
        error = await failure(f"http://127.0.0.1:{web.port}/away", trusted=here(web))
        assert error.code == "bad_url"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_five_redirects_are_followed_and_a_sixth_is_not(status: str, web: Site) -> None:
    for number in range(1, 7):
        web.pages[f"/{number}"] = redirect(f"/{number - 1}" if number > 1 else "a.png", status)
    async with Downloader(trusted_origins=here(web)) as downloader:
        assert await downloader.download(f"http://127.0.0.1:{web.port}/5", given_by="person") == BODY
    error = await failure(f"http://127.0.0.1:{web.port}/6", trusted=here(web))
    assert (error.code, error.retryable) == ("url_failed", True)


async def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not(web: Site) -> None:
    url = f"http://127.0.0.1:{web.port}/a.png"
    async with Downloader(trusted_origins=here(web)) as downloader:
        assert await downloader.download(url, given_by="person", max_bytes=len(BODY)) == BODY
    error = await failure(url, trusted=here(web), max_bytes=len(BODY) - 1)
    assert (error.code, error.params) == ("url_too_large", {"max_mb": 1})


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def endless_chunks(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        await writer.drain()


async def endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 8192 + b"\r\n")
        await writer.drain()


async def test_an_endless_body_ends_at_the_limit(web: Site) -> None:
    web.pages.update({"/endless": endless, "/chunks": endless_chunks})
    for path in ("/endless", "/chunks"):
        error = await failure(f"http://127.0.0.1:{web.port}{path}", trusted=here(web))
        assert error.code == "url_too_large"


async def test_an_endless_head_is_a_failure(web: Site) -> None:
    web.pages["/head"] = endless_head
    assert (await failure(f"http://127.0.0.1:{web.port}/head", trusted=here(web))).code == "url_failed"


async def test_a_body_announced_as_too_large_is_not_even_begun(web: Site) -> None:
    for length, code in ((b"99999999999", "url_too_large"), (b"9" * 19, "url_too_large"), (b"9" * 20, "url_failed")):

        async def never_sends(writer: asyncio.StreamWriter, length: bytes = length) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n")
            await writer.drain()

        web.pages["/big"] = never_sends
        assert (await failure(f"http://127.0.0.1:{web.port}/big", trusted=here(web))).code == code


async def test_a_length_that_lies_is_found_out(web: Site) -> None:
    web.pages["/less"] = answer(BODY, Content_Length=str(len(BODY) + 10))
    web.pages["/nonsense"] = answer(BODY, Content_Length="many")
    for path in ("/less", "/nonsense"):
        error = await failure(f"http://127.0.0.1:{web.port}{path}", trusted=here(web))
        assert (error.code, error.retryable) == ("url_failed", True)
    web.pages["/more"] = answer(BODY, Content_Length="10")
    async with Downloader(trusted_origins=here(web)) as downloader:
        got = await downloader.download(f"http://127.0.0.1:{web.port}/more", given_by="person")
    assert got == BODY[:10]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_body_is_unpacked_and_counted_unpacked(encoding: str, web: Site) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    web.pages["/fine"] = answer(pack(BODY), Content_Encoding=encoding)
    web.pages["/bomb"] = answer(pack(bytes(50_000_000)), Content_Encoding=encoding)
    web.pages["/cut"] = answer(pack(BODY)[:-9], Content_Encoding=encoding)
    web.pages["/rubbish"] = answer(BODY, Content_Encoding=encoding)
    async with Downloader(trusted_origins=here(web)) as downloader:
        assert await downloader.download(f"http://127.0.0.1:{web.port}/fine", given_by="person") == BODY
    for path, code in (("/bomb", "url_too_large"), ("/cut", "url_failed"), ("/rubbish", "url_failed")):
        error = await failure(f"http://127.0.0.1:{web.port}{path}", trusted=here(web))
        assert error.code == code


async def test_an_encoding_nobody_asked_for_is_a_failure(web: Site) -> None:
    for encoding in ("br", "zstd", "gzip, gzip"):
        web.pages["/odd"] = answer(BODY, Content_Encoding=encoding)
        assert (await failure(f"http://127.0.0.1:{web.port}/odd", trusted=here(web))).code == "url_failed"


async def test_a_slow_drip_ends_at_the_deadline_although_every_byte_comes_soon(web: Site) -> None:
    dripped = 0

    async def drip(writer: asyncio.StreamWriter) -> None:
        nonlocal dripped
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n")
        ended = asyncio.Event()
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            dripped += 1
            asyncio.get_running_loop().call_later(0.01, ended.set)
            await ended.wait()
            ended.clear()

    web.pages["/drip"] = drip
    error = await failure(f"http://127.0.0.1:{web.port}/drip", trusted=here(web), timeout=0.3)
    assert (error.code, error.retryable) == ("url_timeout", True)
    assert dripped > 5


async def test_a_name_server_that_never_answers_ends_at_the_deadline() -> None:
    async def names(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    assert (await failure("http://slow.test/", names=names, timeout=0.1)).code == "url_timeout"


async def test_unknown_names_closed_ports_and_broken_answers_are_failures(web: Site) -> None:
    async def hangs_up(writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    web.pages.update({"/reset": hangs_up, "/rubbish": b"\x16\x03\x01 no http at all\r\n\r\n", "/empty": b""})
    for path in ("/reset", "/rubbish", "/empty"):
        assert (await failure(f"http://127.0.0.1:{web.port}{path}", trusted=here(web))).code == "url_failed"
    assert (await failure("http://nobody.test/", names=Names({}))).code == "url_failed"
    network = Detour(web.port, dead=[PUBLIC])
    dead = await failure("http://dead.test/", names=Names({"dead.test": [[PUBLIC]]}), network=network)
    assert dead.code == "url_failed"


async def test_proxies_of_the_environment_are_not_used(web: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with Downloader(trusted_origins=here(web)) as downloader:
        assert await downloader.download(f"http://127.0.0.1:{web.port}/a.png", given_by="person") == BODY


async def test_https_checks_the_certificate_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    server, client = certificate("pictures.test", tmp_path)
    names = Names({"pictures.test": [[PUBLIC]], "other.test": [[PUBLIC]]})
    async with site(server) as web:
        web.pages["/a.png"] = answer(BODY)
        network = Detour(web.port)
        async with Downloader(resolver=names, dial=network, ssl_context=client) as downloader:
            assert await downloader.download("https://pictures.test/a.png", given_by="person") == BODY
        wrong_name = await failure("https://other.test/a.png", names=names, network=network, tls=client)
        unknown_signer = await failure("https://pictures.test/a.png", names=names, network=network)
        assert (wrong_name.code, unknown_signer.code) == ("url_failed", "url_failed")
        assert web.asked == ["/a.png"]


async def test_a_redirect_from_https_down_to_http_is_refused(tmp_path: Path) -> None:
    server, client = certificate("pictures.test", tmp_path)
    async with site(server) as web:
        web.pages["/down"] = redirect("http://pictures.test/a.png")
        names = Names({"pictures.test": [[PUBLIC]]})
        error = await failure("https://pictures.test/down", names=names, network=Detour(web.port), tls=client)
    assert error.code == "bad_url"
    assert web.asked == ["/down"]


@pytest.mark.parametrize("status", ["401 No", "403 No", "404 Not Found", "410 Gone", "451 Law"])
async def test_a_picture_that_is_gone_is_not_worth_waiting_for(status: str, web: Site) -> None:
    web.pages["/gone"] = answer(b"no", status)
    url = f"http://127.0.0.1:{web.port}/gone"
    asked = await failure(url, trusted=here(web))
    assert (type(asked), asked.code, asked.retryable) == (AskPerson, "url_not_found", False)
    made = await failure(url, trusted=here(web), given_by="provider")
    assert (type(made), made.code) == (MadeNothing, "result_gone")


@pytest.mark.parametrize("status", ["408 Slow", "429 Many", "500 Oops", "502 Bad", "503 Busy", "206 Partial", "204 No"])
async def test_a_busy_server_is_worth_another_try(status: str, web: Site) -> None:
    web.pages["/busy"] = answer(b"", status, Retry_After="7", Content_Length="" if status.startswith("204") else "0")
    url = f"http://127.0.0.1:{web.port}/busy"
    asked = await failure(url, trusted=here(web))
    assert (type(asked), asked.code, asked.retryable) == (AskPerson, "url_failed", True)
    made = await failure(url, trusted=here(web), given_by="provider")
    assert isinstance(made, WaitAndRetry)
    assert (made.code, made.retry_after) == ("result_unreachable", 7.0)


async def test_a_provider_that_sends_us_somewhere_private_or_too_much_has_made_nothing(web: Site) -> None:
    private = await failure(f"http://127.0.0.1:{web.port}/a.png", given_by="provider")
    large = await failure(f"http://127.0.0.1:{web.port}/a.png", trusted=here(web), max_bytes=10, given_by="provider")
    wrong = await failure("ftp://pictures.test/", given_by="provider")
    for error in (private, large, wrong):
        assert (type(error), error.code) == (MadeNothing, "result_refused")


async def test_a_slow_provider_is_worth_another_try(web: Site) -> None:
    waiting = asyncio.Event()

    async def waits(writer: asyncio.StreamWriter) -> None:
        await waiting.wait()

    web.pages["/silent"] = waits
    url = f"http://127.0.0.1:{web.port}/silent"
    error = await failure(url, trusted=here(web), timeout=0.1, given_by="provider")
    waiting.set()
    assert (type(error), error.code) == (WaitAndRetry, "result_unreachable")


async def test_data_uris_are_decoded_under_the_same_limit() -> None:
    encoded = base64.b64encode(BODY).decode()
    async with Downloader(max_bytes=len(BODY)) as downloader:
        for url in (
            f"data:image/png;base64,{encoded}",
            f"DATA:;Base64,{encoded}",
            "data:image/png;base64," + "\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76)),
            "data:,picture%20" + "picture%20" * 999,
        ):
            assert await downloader.download(url, given_by="provider") == BODY
    for url in (f"data:;base64,{encoded}", "data:," + BODY.decode(), "data:;base64," + "A" * 10_000_000):
        assert (await failure(url, max_bytes=len(BODY) - 1)).code == "url_too_large"


async def test_many_downloads_at_once_share_one_downloader(web: Site) -> None:
    async with Downloader(trusted_origins=here(web)) as downloader:
        url = f"http://127.0.0.1:{web.port}/a.png"
        bodies = await asyncio.gather(*(downloader.download(url, given_by="provider") for _ in range(40)))
    assert bodies == [BODY] * 40
