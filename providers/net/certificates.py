"""The certificates that https connections are checked against."""

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """httpx's own context, loaded once per process: loading it takes 20 ms and half a megabyte for each client."""
    return httpx.create_ssl_context()
