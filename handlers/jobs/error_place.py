"""`place_of`: where in the code an error came from, for a log that may not hold its text."""

from pathlib import Path
from traceback import extract_tb


def place_of(error: BaseException) -> str:
    """`module.py:12`."""
    frames = extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
