"""Only addresses of the public internet are public, however they are written."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.media.addresses import is_public, resolve


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "100.63.0.1", "100.128.0.1", "172.32.0.1"])
def test_ordinary_addresses_are_public(text: str) -> None:
    assert is_public(text)


@pytest.mark.parametrize("text", ["2606:4700::1111", "2001:4860:4860::8888", "64:ff9b::8.8.8.8", "2002:808:808::1"])
def test_ordinary_ipv6_addresses_are_public(text: str) -> None:
    assert is_public(text)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:a9fe:a9fe",
        "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "2130706433",
        "0x7f000001",
        "localhost",
        "",
    ],
)
def test_everything_else_is_not(text: str) -> None:
    assert not is_public(text)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_as_public_as_any_ipv6_address_it_hides_in(address: ipaddress.IPv4Address) -> None:
    hidden = [f"::ffff:{address}", f"64:ff9b::{address}", f"::ffff:0:{address}"]
    hidden.append(str(ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80) | 1)))
    assert {is_public(text) for text in hidden} == {is_public(str(address))}


@given(st.ip_addresses())
def test_no_private_address_is_ever_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if not address.is_global:
        assert not is_public(str(address)) or str(address).startswith(("64:ff9b::", "2002:", "::ffff:"))


@pytest.mark.parametrize("host", ["x" * 70 + ".test", "a..b"])
async def test_what_cannot_be_a_name_is_an_error_of_the_resolver(host: str) -> None:
    with pytest.raises((OSError, UnicodeError)):
        await resolve(host, 80)


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f000001", "2130706433", "127.1", "0177.0.0.1", "localhost"])
async def test_the_systems_own_resolver_unmasks_every_spelling_of_this_machine(host: str) -> None:
    addresses = await resolve(host, 80)
    assert addresses
    assert not any(is_public(address) for address in addresses)
