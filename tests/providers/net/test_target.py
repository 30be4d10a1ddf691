"""An address is read as httpx reads it, whichever way it is read."""

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from providers.net.target import target_of, target_of_url

LETTERS = st.text("ab.-_~%2f0/?=&#@:;!()\\ é[]{}|\"'<>^`AF", max_size=24)


@given(st.sampled_from(["http", "https"]), st.sampled_from(["a.test", "127.0.0.1", "127.1", "xn--a.test", "A.test"]),
       st.sampled_from(["", ":80", ":443", ":8080", ":0", ":99999", ":x"]), LETTERS)  # fmt: skip
@example("http", "a.test", "", "/a/../b")
@example("http", "a.test", "", "/a/./b?x=%2f%2F")
@example("https", "a.test", ":443", "?x=1")
def test_a_plain_address_and_httpx_agree(scheme: str, host: str, port: str, path: str) -> None:
    address = f"{scheme}://{host}{port}{path}"
    try:
        expected = target_of_url(httpx.URL(address))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        with pytest.raises((httpx.InvalidURL, httpx.UnsupportedProtocol)):
            target_of(address)
        return
    assert target_of(address) == expected
