"""The envelope of callbacks: the platform's test vector, its peer's eyes, and whatever is wrong."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.signed_posts import BadSignature, Malformed
from bot.channels.wecom.envelope import Envelope, sealed_in
from tests.servers.wecom import AES_KEY, TOKEN, Callbacks

NOW = datetime(2026, 11, 30, tzinfo=UTC)
SEALED = "4j/AuRx71kQlxVlzbpsMWFM3FLIlE7+Rr0vpqUk+32s="
QUERY = {"msg_signature": "02664019e0c3d938d5c6dd12a78993c77ae9ae8f", "timestamp": "1700000000", "nonce": "n1"}


@pytest.fixture
def envelope() -> Envelope:
    return Envelope(token=TOKEN, aes_key=AES_KEY)


@pytest.fixture
def platform() -> Callbacks:
    return Callbacks("http://bot.test/wecom")


def test_the_vector_of_the_documentation_opens(envelope: Envelope, platform: Callbacks) -> None:
    assert envelope.open(SEALED, QUERY) == "ok"
    assert platform.seal("ok", filler=b"0123456789abcdef") == SEALED
    assert platform.signature("1700000000", "n1", SEALED) == QUERY["msg_signature"]


@given(st.text(max_size=300))
def test_what_we_seal_the_platform_opens(text: str) -> None:
    envelope, platform = Envelope(token=TOKEN, aes_key=AES_KEY), Callbacks("")
    found = platform.opened(envelope.seal({"content": text}, NOW))
    assert found == {"content": text}


@given(st.text(max_size=300))
def test_what_the_platform_seals_we_open(text: str) -> None:
    envelope, platform = Envelope(token=TOKEN, aes_key=AES_KEY), Callbacks("")
    sealed = platform.seal(text)
    assert envelope.open(sealed, platform.query(sealed)) == text


@pytest.mark.parametrize("name", ["msg_signature", "msgsignature", "signature"])
def test_the_signature_is_found_under_each_of_its_names(envelope: Envelope, name: str) -> None:
    query = {name: QUERY["msg_signature"], "timestamp": "1700000000", "nonce": "n1"}
    assert envelope.open(SEALED, query) == "ok"


@pytest.mark.parametrize("change", ["msg_signature", "timestamp", "nonce"])
def test_another_signature_time_or_nonce_is_refused(envelope: Envelope, change: str) -> None:
    with pytest.raises(BadSignature):
        envelope.open(SEALED, QUERY | {change: "1" + QUERY[change]})
    with pytest.raises(BadSignature):
        envelope.open(SEALED, {})


def test_an_envelope_for_another_receiver_does_not_open(envelope: Envelope, platform: Callbacks) -> None:
    sealed = platform.seal("hello", receiver="ww1234")
    with pytest.raises(Malformed):
        envelope.open(sealed, platform.query(sealed))


@given(st.binary(max_size=200))
def test_signed_junk_is_malformed_never_a_crash(junk: bytes) -> None:
    platform = Callbacks("")
    sealed = base64.b64encode(junk).decode()
    with pytest.raises(Malformed):
        Envelope(token=TOKEN, aes_key=AES_KEY).open(sealed, platform.query(sealed))


@pytest.mark.parametrize("key", ["", "short", AES_KEY + "x", "!" * 43])
def test_a_key_that_is_none_is_told_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="EncodingAESKey"):
        Envelope(token=TOKEN, aes_key=key)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"encrypt": 5}', b'{"encrypt": "\xc3\xa9"}', b"\xff", b"[" * 9999]
)
def test_a_body_without_an_envelope_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        sealed_in(body)


def test_both_spellings_of_the_envelope_are_read() -> None:
    assert sealed_in(json.dumps({"Encrypt": "abc"}).encode()) == "abc"
