"""The names of `tests/world.py` for tests that were written before it."""

from handlers.fake_channel import FakeChannel
from tests.world import ANN, Clock, World, hasty, world

Running = World[FakeChannel]
running = world

__all__ = ["ANN", "Clock", "Running", "hasty", "running"]
