"""Hostile requests at the doors: XML, signatures, cookies, names of files. (A part of the table of attacks.)"""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import HTTPConnection, Request

from bot.channels.signed_posts import BadSignature, Malformed, signature
from bot.channels.web.cookies import COOKIE, Sessions
from bot.channels.web.uploads import Limits, Refused, read_post
from bot.channels.wechat.crypto import Envelope
from bot.channels.wechat.events import read_event
from bot.channels.wecom import envelope as wecom

HEAD = "<ToUserName>a</ToUserName><FromUserName>o</FromUserName><CreateTime>1</CreateTime><MsgId>1</MsgId>"
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9)
)
XML = {
    "nothing": "",
    "no XML": "hello",
    "half of it": f"<xml>{HEAD}",
    "a bomb of entities": f"{BOMB}]><xml>{HEAD}<MsgType>text</MsgType><Content>&j;</Content></xml>",
    "a file of this machine": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    f"<xml>{HEAD}<MsgType>text</MsgType><Content>&a;</Content></xml>",
    "another machine's": '<!DOCTYPE x SYSTEM "http://169.254.169.254/x.dtd"><xml>&a;</xml>',
    "a parameter entity": '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1/"> %a;]><xml/>',
    "ten thousand levels": "<a>" * 10_000 + "</a>" * 10_000,
    "another root": "<html/>",
    "no sender": "<xml><MsgType>text</MsgType></xml>",
    "a list": f"<xml>{HEAD}{HEAD}<MsgType>text</MsgType></xml>",
    "a time that is none": f"<xml>{HEAD.replace('>1<', '>soon<')}<MsgType>text</MsgType></xml>",
    "a time of a thousand digits": f"<xml>{HEAD.replace('<CreateTime>1', '<CreateTime>' + '9' * 1000)}</xml>",
    "an attribute bomb": "<xml " + " ".join(f'a{n}="1"' for n in range(20_000)) + "/>",
    "a script": f"<?xml-stylesheet href='javascript:alert(1)'?><xml>{HEAD}</xml>",
}


@pytest.mark.parametrize("attack", XML)
def test_a_push_that_is_none_is_refused_or_says_nothing(attack: str) -> None:
    try:
        event = read_event(XML[attack])
    except Malformed:
        return
    assert "root:" not in event.text
    assert len(event.text) < 5000


ENVELOPE = Envelope(token="t", app_id="wx1", keys=("A" * 43,))
QUERIES: tuple[dict[str, str], ...] = (
    {},
    {"signature": ""},
    {"signature": "0" * 40, "timestamp": "1", "nonce": "n"},
    {"signature": "Ü", "timestamp": "1", "nonce": "n"},
    {"msg_signature": "x" * 100_000, "timestamp": "1", "nonce": "n"},
    {"signature": "1", "timestamp": "1" * 5000, "nonce": "\0"},
)


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_a_wrong_signature_opens_nothing(query: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        ENVELOPE.check(query)
    with pytest.raises((BadSignature, Malformed)):
        ENVELOPE.open("<xml><Encrypt>YWJj</Encrypt></xml>", query)


BODIES = (b"", b"[]", b"null", b"{}", b'{"encrypt": 1}', b'{"encrypt": "\\u00fc"}', b"[" * 100_000, b"\xff\xfe")


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_without_an_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        wecom.sealed_in(body)


@pytest.mark.parametrize("sealed", ["", "YWJj", "A" * 64, "=" * 9, "YWJj" * 5000])
def test_what_is_signed_and_does_not_open_is_refused(sealed: str) -> None:
    door = wecom.Envelope(token="t", aes_key="A" * 43)
    query = {"timestamp": "1", "nonce": "n", "msg_signature": signature("t", "1", "n", sealed)}
    with pytest.raises(Malformed):
        door.open(sealed, query)


SESSIONS, OTHERS = Sessions(secret=b"s" * 32), Sessions(secret=b"o" * 32)
PERSON = "A" * 22
COOKIES = (
    "",
    PERSON,
    f"{PERSON}.",
    f"{PERSON}.forged",
    OTHERS._signer.sign(PERSON).decode(),
    SESSIONS._signer.sign("../../etc").decode(),
    SESSIONS._signer.sign("a" * 5000).decode(),
    SESSIONS._signer.sign("x|y").decode(),
    SESSIONS._signer.sign(PERSON).decode() + "x",
    SESSIONS._signer.sign(PERSON).decode().swapcase(),
    "\xff\xfe",
)


@pytest.mark.parametrize("cookie", COOKIES, ids=range(len(COOKIES)))
def test_a_cookie_that_is_not_ours_is_nobody(cookie: str) -> None:
    headers = [(b"cookie", f"{COOKIE}={cookie}".encode("latin-1"))]
    assert SESSIONS.person(HTTPConnection({"type": "http", "headers": headers})) is None


def test_a_seal_is_of_its_parts_and_of_this_installation() -> None:
    seal = SESSIONS.seal("entry", 1, 0)
    assert SESSIONS.sealed(seal, "entry", 1, 0)
    for wrong in ((seal, "entry", 1, 1), (seal, "entry", 10, 0), (seal[:-1], "entry", 1, 0), ("", "entry", 1, 0)):
        assert not SESSIONS.sealed(*wrong)
    assert not OTHERS.sealed(seal, "entry", 1, 0)


NAMES = (
    "../../../etc/cron.d/evil",
    "..\\..\\windows\\evil",
    "/etc/passwd",
    "a\\0.jpg",
    "con.jpg",
    "x" * 4000,
    "\u202egpj.exe",
    "<img src=x onerror=alert(1)>.jpg",
    ".htaccess",
    "~root",
)


async def posted(folder: Path, body: bytes) -> Any:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", b"multipart/form-data; boundary=xyz")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return await read_post(Request(scope, receive), folder, Limits())


@pytest.mark.parametrize("name", NAMES)
async def test_a_files_name_is_never_used(tmp_path: Path, name: str) -> None:
    head = f'--xyz\r\nContent-Disposition: form-data; name="photos"; filename={json.dumps(name)}\r\n\r\n'
    try:
        post = await posted(tmp_path / "in", head.encode() + b"\xff\xd8\xff\r\n--xyz--\r\n")
    except Refused:
        assert not [f for f in tmp_path.rglob("*") if f.is_file()]  # noqa: ASYNC240
        return
    (photo,) = post.photos
    assert photo.path.parent == tmp_path / "in"
    assert name not in str(photo.path)
    assert photo.path.stat().st_mode & 0o077 == 0


FORMS = (
    b"",
    b"--xyz",
    b"--xyz--",
    b"--xyz\r\n" * 2000,
    b"--xyz\r\nContent-Disposition: form-data\r\n\r\n\r\n--xyz--\r\n",
    b'--xyz\r\nContent-Disposition: form-data; name="text"\r\n\r\n' + b"a" * 100_000 + b"\r\n--xyz--\r\n",
    b'--xyz\r\nContent-Disposition: form-data; name="photos"; filename="a"\r\n\r\nx\r\n--xyz\r\n' * 50,
    b"--xyz\r\n" + b"X: y\r\n" * 50_000,
    b'--xyz\r\nContent-Disposition: form-data; name="text"\r\n\r\nnever ended',
)


@pytest.mark.parametrize("body", FORMS, ids=range(len(FORMS)))
async def test_a_form_that_is_none_leaves_nothing_behind(tmp_path: Path, body: bytes) -> None:
    with contextlib.suppress(Refused):
        assert (await posted(tmp_path, body)).photos == ()
    assert not [f for f in tmp_path.rglob("*") if f.is_file()]  # noqa: ASYNC240
