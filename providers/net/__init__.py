"""HTTP/1.1 for httpx's clients, made for many small requests at once."""

from providers.net.transport import Transport, direct

__all__ = ["Transport", "direct"]
