"""The photographs that these tests share."""

from tests.providers.photos import astronaut, coffee, faces, officer

__all__ = ["astronaut", "coffee", "faces", "officer"]
