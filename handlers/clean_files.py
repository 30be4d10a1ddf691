"""The file without the visible mark, on request (article 9 of the rules to GB 45438-2025): the person who takes it
promises to label it themselves.

The promise is kept as a log row for at least six months, even if the person is forgotten meanwhile: when, for which
job, by whom (the owner hash, which says nothing about them), and the wording agreed to. The label in the metadata
stays.
"""

import json
from datetime import datetime, timedelta

from handlers.store.base import Job, Values

VERSION = 1
"""Version of the promise's wording."""
KEPT = timedelta(days=200)
_SPACE = "clean.files"


class CleanFiles:
    def __init__(self, values: Values) -> None:
        self._values = values

    async def record(self, job: Job, *, at: datetime) -> None:
        """Record the promise for the pictures of a job; the first time counts."""
        row = {
            "version": VERSION,
            "at": at.isoformat(),
            "who": job.chat.owner,
            "numbers": [picture.produce_id for picture in job.pictures],
        }
        await self._values.add_value(_SPACE, job.id, json.dumps(row), expires=at + KEPT)

    async def promised(self, job_id: str) -> bool:
        return await self._values.value(_SPACE, job_id) is not None
