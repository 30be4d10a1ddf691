"""HTTP/1.1 for httpx's clients, made for many small requests at once."""

from providers.net.lean import LeanClient
from providers.net.transport import Transport, direct

__all__ = ["LeanClient", "Transport", "direct"]
