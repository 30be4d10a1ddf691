"""HTTP/1.1 for httpx's clients, optimised for many small concurrent requests."""

from providers.net.lean import LeanClient
from providers.net.transport import Transport, direct

__all__ = ["LeanClient", "Transport", "direct"]
