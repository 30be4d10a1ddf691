"""The names of `tests/world.py` for tests that were written before it."""

from tests.world import Checked, Person, RecordedJobs, accept, cheap, names, offered, said

__all__ = ["Checked", "Person", "RecordedJobs", "accept", "cheap", "names", "offered", "said"]
