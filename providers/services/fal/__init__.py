"""fal: the queue at queue.fal.run, or a proxy in front of it."""

from providers.services.fal.provider import FalProvider

__all__ = ["FalProvider"]
