"""Our transport under httpx against a server that says exactly what a test wants, byte by byte (long: one protocol)."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from providers.net import Transport, direct
from providers.net.certificates import trusted
from providers.net.connection import HELD, LARGEST_HEAD
from tests.providers.media.web import certificate
from tests.servers.serving import listening_socket
from tests.servers.wire import OK, Reader, Served, Writer, always, forever, serving, silent
from tests.waiting import LONG

MB = 1 << 20
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@asynccontextmanager
async def client(
    *,
    ours: bool = True,
    timeout: httpx.Timeout | float | None = LONG,
    most: int | None = None,
    kept: int | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=kept)
    verify = tls or trusted()
    transport = Transport(limits=limits, ssl_context=verify) if ours else None
    async with httpx.AsyncClient(
        transport=transport, limits=limits, timeout=timeout, verify=verify, trust_env=False
    ) as made:
        yield made


@pytest.fixture(params=[True, False], ids=["ours", "httpx's own"])
def ours(request: pytest.FixtureRequest) -> bool:
    """What must be the same for both."""
    return bool(request.param)


# --- what an error means


async def test_nobody_listening_means_that_nothing_was_sent(ours: bool) -> None:
    with listening_socket() as sock:
        port = sock.getsockname()[1]
    async with client(ours=ours) as http:
        with pytest.raises(httpx.ConnectError):
            await http.post(f"http://127.0.0.1:{port}", content=b"x")


async def test_a_name_that_is_none_means_that_nothing_was_sent() -> None:
    async with client() as http:
        with pytest.raises(httpx.ConnectError):
            await http.post("http://a..b/", content=b"x")


async def test_tls_that_never_comes_about_means_that_nothing_was_sent(ours: bool) -> None:
    async def mute(served: Served, reader: Reader, writer: Writer) -> None:
        while await reader.read(65536):
            pass

    async with serving(mute) as served, client(ours=ours, timeout=httpx.Timeout(LONG, connect=0.05)) as http:
        with pytest.raises(httpx.ConnectTimeout):
            await http.post(served.url.replace("http", "https"), content=b"x")


async def test_a_certificate_that_is_not_trusted_means_that_nothing_was_sent(ours: bool, tmp_path: Path) -> None:
    server, _ = certificate("elsewhere.test", tmp_path)
    async with serving(forever, server) as served, client(ours=ours) as http:
        with pytest.raises(httpx.ConnectError):
            await http.post(served.url, content=b"x")
        assert served.heads == []


async def test_no_room_in_time_means_that_nothing_was_sent(ours: bool) -> None:
    async with serving(silent) as served, client(ours=ours, most=1, timeout=httpx.Timeout(LONG, pool=0.05)) as http:
        first = asyncio.create_task(http.post(served.url, content=b"first"))
        await served.asked.wait()
        with pytest.raises(httpx.PoolTimeout):
            await http.post(served.url, content=b"second")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert (served.connections, len(served.heads)) == (1, 1)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_a_connection_lost_after_the_request_is_an_error_and_never_a_repeat(method: str, ours: bool) -> None:
    """Also on a connection that served before, where some clients repeat what they hold to be harmless."""
    async with serving(always(OK, b"")) as served, client(ours=ours) as http:
        assert (await http.request(method, served.url)).text == "ok"
        with pytest.raises(httpx.TransportError) as caught:
            await http.request(method, served.url)
    assert not isinstance(caught.value, UNSENT)
    assert (served.connections, len(served.heads)) == (1, 2)


async def test_a_reset_after_the_request_may_have_been_taken(ours: bool) -> None:
    async def reset(served: Served, reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")  # with a body unread, closing resets

    async with serving(reset) as served, client(ours=ours) as http:
        with pytest.raises(httpx.TransportError) as caught:
            await http.post(served.url, content=b"x" * 100)
    assert not isinstance(caught.value, UNSENT)


async def test_silence_after_the_request_is_a_read_timeout(ours: bool) -> None:
    async with serving(silent) as served, client(ours=ours, timeout=httpx.Timeout(LONG, read=0.05)) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(served.url, content=b"x")


async def test_silence_in_the_middle_of_the_answer_is_a_read_timeout(ours: bool) -> None:
    async def half(served: Served, reader: Reader, writer: Writer) -> None:
        await served.request(reader)
        writer.write(OK[:-1])
        await reader.read()

    async with serving(half) as served, client(ours=ours, timeout=httpx.Timeout(LONG, read=0.05)) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get(served.url)


async def test_a_server_that_takes_no_more_is_a_write_timeout(ours: bool) -> None:
    async def deaf(served: Served, reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await served.ended.wait()

    async with serving(deaf) as served, client(ours=ours, timeout=httpx.Timeout(LONG, write=0.05)) as http:
        with pytest.raises(httpx.WriteTimeout):
            await http.post(served.url, content=b"x" * 32 * MB)
        served.ended.set()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nlots\r\nok\r\n",
        b"",
    ],
)
async def test_half_an_answer_or_none_is_the_servers_fault(answer: bytes, ours: bool) -> None:
    async with serving(always(answer)) as served, client(ours=ours) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(served.url)


async def test_a_head_without_end_is_given_up() -> None:
    async def endless(served: Served, reader: Reader, writer: Writer) -> None:
        await served.request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not writer.is_closing():
            writer.write(b"x" * LARGEST_HEAD)
            await writer.drain()

    async with serving(endless) as served, client() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(served.url)


async def test_a_line_break_in_a_header_is_refused_before_anything_is_sent(ours: bool) -> None:
    async with serving(forever) as served, client(ours=ours) as http:
        with pytest.raises(httpx.LocalProtocolError):
            await http.get(served.url, headers={"x": "a\r\nHost: elsewhere"})
        assert served.heads == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://"])
async def test_what_is_no_http_address_is_refused(url: str) -> None:
    async with client() as http:
        with pytest.raises(httpx.UnsupportedProtocol):
            await http.get(url)


async def test_errors_name_no_address() -> None:
    async with client() as http:
        with pytest.raises(httpx.ConnectError) as caught:
            await http.get("http://host..name/bot42:secret/getMe")
    assert "secret" not in str(caught.value)
    assert "host" not in str(caught.value)


# --- what an answer is


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\nX: y\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 599\r\nContent-Length: 0\r\n\r\n", 599, b""),
    ],
)
async def test_each_way_an_answer_ends_is_understood(answer: bytes, status: int, body: bytes, ours: bool) -> None:
    async with serving(always(answer)) as served, client(ours=ours) as http:
        got = await http.get(served.url)
    assert (got.status_code, got.content) == (status, body)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: \xe9\x01\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nUpgrade: h2\r\nConnection: Upgrade, keep-alive\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: Chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
    ],
)
async def test_a_careless_servers_answer_is_read(answer: bytes, ours: bool) -> None:
    """It may be the answer to a paid POST: unread, nobody would know of the job."""
    async with serving(always(answer)) as served, client(ours=ours) as http:
        assert (await http.post(served.url)).text == "ok"


async def test_an_answer_with_two_lengths_is_the_last_of_its_connection() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    async with serving(always(answer, answer)) as served, client() as http:
        for _ in range(2):
            assert (await http.get(served.url)).text == "ok"
        assert served.connections == 2


async def test_an_answer_byte_by_byte_is_the_same() -> None:
    async def slow(served: Served, reader: Reader, writer: Writer) -> None:
        await served.request(reader)
        for n in range(len(OK)):
            writer.write(OK[n : n + 1])
            await writer.drain()
            await asyncio.sleep(0)

    async with serving(slow) as served, client() as http:
        got = await http.get(served.url)
    assert (got.text, got.headers["content-length"]) == ("ok", "2")


async def test_an_answer_before_the_request_is_out_is_the_answer(ours: bool) -> None:
    """A gate that says 413 reads no further, and certainly took nothing."""

    async def refusing(served: Served, reader: Reader, writer: Writer) -> None:
        served.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        while await reader.read(MB):
            pass

    async with serving(refusing) as served, client(ours=ours) as http:
        assert (await http.post(served.url, content=b"x" * 16 * MB)).status_code == 413


# --- what is sent


async def parts() -> AsyncIterator[bytes]:
    for part in (b"one", b"", b"two"):
        yield part


async def test_the_request_goes_out_as_httpx_made_it(ours: bool) -> None:
    bodies = []

    async def keeping(served: Served, reader: Reader, writer: Writer) -> None:
        bodies.append(await served.request(reader))
        writer.write(OK)
        await writer.drain()

    async with serving(keeping) as served, client(ours=ours) as http:
        await http.post(served.url, data={"a": "ü"}, files={"f": ("n.png", b"y" * MB, "image/png")})
    lines = served.heads[0].split(b"\r\n")
    assert lines[0] == b"POST /a?b=c HTTP/1.1"
    assert sum(line.lower().startswith(b"host: 127.0.0.1:") for line in lines) == 1
    assert b"y" * MB in bodies[0]
    assert "ü".encode() in bodies[0]


async def test_a_body_without_a_length_goes_out_in_chunks(ours: bool) -> None:
    bodies = []

    async def keeping(served: Served, reader: Reader, writer: Writer) -> None:
        await served.request(reader)
        bodies.append(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(OK)
        await writer.drain()

    async with serving(keeping) as served, client(ours=ours) as http:
        await http.post(served.url, content=parts())
    assert bodies == [b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"]


@pytest.mark.parametrize("length", ["5", "7"])
async def test_a_body_of_another_length_than_promised_is_broken_off(length: str) -> None:
    async with serving(forever) as served, client() as http:
        with pytest.raises(httpx.LocalProtocolError):
            await http.post(served.url, content=parts(), headers={"content-length": length})


# --- connections


async def test_a_connection_serves_one_request_after_another(ours: bool) -> None:
    async with serving(forever) as served, client(ours=ours) as http:
        for n in range(5):
            assert (await http.post(served.url, content=b"x" * n)).text == "ok"
        assert served.connections == 1


async def test_where_none_is_kept_each_request_has_a_connection_of_its_own(ours: bool) -> None:
    async with serving(forever) as served, client(ours=ours, kept=0) as http:
        for _ in range(3):
            await http.post(served.url)
            await served.ended.wait()
            served.ended.clear()
        assert served.connections == 3


async def test_some_methods_always_get_a_new_connection_which_others_may_use_afterwards() -> None:
    transport = Transport(limits=httpx.Limits(), fresh=frozenset({"POST"}))
    async with serving(forever) as served, httpx.AsyncClient(transport=transport) as http:
        for connections, method in ((1, "POST"), (1, "GET"), (2, "POST"), (2, "PUT"), (2, "GET"), (3, "POST")):
            assert (await http.request(method, served.url)).text == "ok"
            assert served.connections == connections


async def test_a_kept_connection_that_the_server_closed_is_not_used_again(ours: bool) -> None:
    async with serving(always(OK)) as served, client(ours=ours) as http:
        for _ in range(3):
            assert (await http.post(served.url)).text == "ok"
            await served.ended.wait()
            served.ended.clear()
        assert served.connections == 3


@pytest.mark.parametrize(
    "answer",
    [
        OK + OK,
        OK + b"x",
        OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_a_connection_out_of_step_or_to_be_closed_is_not_used_again(answer: bytes) -> None:
    """An answer too many would be taken for that of the next request, of somebody else."""
    async with serving(always(answer, answer)) as served, client() as http:
        for _ in range(2):
            assert (await http.get(served.url)).text == "ok"
        assert served.connections == 2


async def test_no_more_connections_are_open_than_allowed_and_all_are_served() -> None:
    async with serving(forever) as served, client(most=3) as http:
        answers = await asyncio.gather(*(http.post(served.url, content=b"x") for _ in range(50)))
        assert {answer.text for answer in answers} == {"ok"}
        assert served.connections <= 3


async def test_an_unused_connection_gives_way_to_another_servers() -> None:
    async with serving(forever) as one, serving(forever) as two, client(most=1) as http:
        for served, other in pairwise((one, two, one)):
            await http.post(served.url)
            await http.post(other.url)
            await served.ended.wait()
        assert (one.connections, two.connections) == (2, 1)


async def test_unused_connections_are_closed_after_their_time() -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=0.02)
    async with serving(forever) as served, httpx.AsyncClient(transport=Transport(limits=limits)) as http:
        await http.post(served.url)
        await served.ended.wait()
        assert (await http.post(served.url)).text == "ok"
        assert served.connections == 2


async def test_a_request_given_up_frees_its_room_and_ends_its_connection(ours: bool) -> None:
    async def first_silent(served: Served, reader: Reader, writer: Writer) -> None:
        await (silent if served.connections == 1 else forever)(served, reader, writer)

    async with serving(first_silent) as served, client(ours=ours, most=1) as http:
        given_up = asyncio.create_task(http.post(served.url))
        await served.asked.wait()
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        await served.ended.wait()
        assert (await http.post(served.url)).text == "ok"


async def test_a_stream_left_early_ends_its_connection(ours: bool) -> None:
    async with serving(always(OK[:-1])) as served, client(ours=ours, most=1) as http:
        async with http.stream("GET", served.url) as answer:
            assert await anext(answer.aiter_bytes()) == b"o"
        await served.ended.wait()


async def test_a_slow_reader_makes_the_server_wait_and_gets_everything() -> None:
    sent = 0

    async def large(served: Served, reader: Reader, writer: Writer) -> None:
        nonlocal sent
        await served.request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * MB))
        while sent < 64 * MB:
            writer.write(b"x" * HELD)
            await writer.drain()
            sent += HELD

    async with serving(large) as served, client() as http, http.stream("GET", served.url) as answer:
        for _ in range(5_000):  # rounds of the loop in which it could send
            await asyncio.sleep(0)
        assert sent < 32 * MB
        assert len(await answer.aread()) == 64 * MB


async def test_closing_ends_what_is_open() -> None:
    async with serving(silent) as served:
        async with client() as http:
            waiting = asyncio.create_task(http.post(served.url))
            await served.asked.wait()
        with pytest.raises(httpx.TransportError):
            await waiting
        await served.ended.wait()


async def test_https_works_over_a_kept_connection(tmp_path: Path) -> None:
    server, trusting = certificate("localhost", tmp_path)
    async with serving(forever, server) as served, client(tls=trusting) as http:
        for _ in range(3):
            url = served.url.replace("127.0.0.1", "localhost")
            assert (await http.post(url, content=b"x" * MB)).text == "ok"
        assert served.connections == 1


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not made for it")
def test_a_program_may_run_another_loop(tmp_path: Path) -> None:
    import uvloop

    server, trusting = certificate("localhost", tmp_path)

    async def posts() -> None:
        for tls in (None, server):
            async with serving(forever, tls) as served, client(tls=trusting) as http:
                url = served.url.replace("127.0.0.1", "localhost") if tls else served.url
                for _ in range(3):
                    assert (await http.post(url, content=b"x" * MB)).text == "ok"
                assert served.connections == 1
        async with client() as http:
            with pytest.raises(httpx.ConnectError):
                await http.post("http://127.0.0.1:1", content=b"x")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(posts())


# --- proxies


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http", "https", "all"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_proxy_in_the_environment_is_left_to_httpx(name: str, no_proxies: pytest.MonkeyPatch) -> None:
    assert direct(limits=httpx.Limits()) is not None
    no_proxies.setenv(name, "http://127.0.0.1:1")
    assert direct(limits=httpx.Limits()) is None


async def test_a_request_goes_through_the_proxy_of_the_environment(no_proxies: pytest.MonkeyPatch) -> None:
    async with serving(always(OK)) as proxy:
        no_proxies.setenv("HTTP_PROXY", proxy.url)
        async with httpx.AsyncClient(transport=direct(limits=httpx.Limits())) as http:
            assert (await http.get("http://telegram.test/x")).text == "ok"
    assert proxy.heads[0].startswith(b"GET http://telegram.test/x HTTP/1.1\r\n")
