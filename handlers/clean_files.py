"""The file without the visible mark, on request (GB 45438-2025's rules, article 9): who took it promised to label it.

The promise is kept as a log row for at least six months, also where its person is forgotten meanwhile: when, for which
job, by whom (the owner's name, which tells nothing about them), to which words. The label in the metadata stays.
"""

import json
from datetime import datetime, timedelta

from handlers.store.base import Job, Values

VERSION = 1
"""Of what is promised."""
KEPT = timedelta(days=200)
_SPACE = "clean.files"


class CleanFiles:
    def __init__(self, values: Values) -> None:
        self._values = values

    async def record(self, job: Job, *, at: datetime) -> None:
        """The promise for the pictures of a job; kept from its first time on."""
        row = {
            "version": VERSION,
            "at": at.isoformat(),
            "who": job.chat.owner,
            "numbers": [picture.produce_id for picture in job.pictures],
        }
        await self._values.add_value(_SPACE, job.id, json.dumps(row), expires=at + KEPT)

    async def promised(self, job_id: str) -> bool:
        return await self._values.value(_SPACE, job_id) is not None
