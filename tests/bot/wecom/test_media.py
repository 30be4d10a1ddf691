"""Encrypted pictures: every form of the key, every wrong padding, and the hosts they may come from."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wecom.media import BadMedia, decrypted, may_fetch, media_key
from tests.servers.wecom import encrypted

KEY = bytes(range(32))


@given(st.binary(max_size=400))
def test_what_was_encrypted_comes_out(data: bytes) -> None:
    assert decrypted(encrypted(data, KEY), KEY) == data


@pytest.mark.parametrize(
    "text", [base64.b64encode(KEY).decode(), base64.b64encode(KEY).decode().rstrip("="), KEY.hex(), KEY.hex().upper()]
)
def test_a_key_is_read_in_each_of_its_forms(text: str) -> None:
    assert media_key(text) == KEY


@pytest.mark.parametrize("text", ["", "abc", "?" * 43, base64.b64encode(b"short").decode(), KEY.hex()[:-2]])
def test_anything_else_is_no_key(text: str) -> None:
    with pytest.raises(BadMedia):
        media_key(text)


@given(st.binary(max_size=200))
def test_what_was_not_encrypted_with_this_key_is_refused_or_junk_but_never_a_crash(data: bytes) -> None:
    try:
        decrypted(data, KEY)
    except BadMedia:
        return
    assert len(data) % 16 == 0


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(BadMedia):
        decrypted(encrypted(b"picture" * 9, KEY), bytes(32))


@pytest.mark.parametrize(
    ("url", "hosts", "may"),
    [
        ("https://ww.cos.ap-shanghai.myqcloud.com/x?sign=1", ["*.myqcloud.com"], True),
        ("https://myqcloud.com.evil.example/x", ["*.myqcloud.com"], False),
        ("https://evilmyqcloud.com/x", ["*.myqcloud.com"], False),
        ("https://ww.myqcloud.com:8443/x", ["*.myqcloud.com"], False),
        ("http://127.0.0.1:9000/x", ["127.0.0.1:9000"], True),
        ("http://127.0.0.1:9001/x", ["127.0.0.1:9000"], False),
        ("ftp://ww.myqcloud.com/x", ["*.myqcloud.com"], False),
        ("https://user@ww.myqcloud.com/x", ["*.myqcloud.com"], True),
        ("https://[broken/x", ["*.myqcloud.com"], False),
        ("", ["*"], False),
    ],
)
def test_pictures_come_from_allowed_hosts_only(url: str, hosts: list[str], may: bool) -> None:
    assert may_fetch(url, hosts) is may
