"""Which files belong to whom, since when: recorded with every row that names one, so that deletion is one query.

A file is named by its `MediaRef` (`Database.places`), the same for every process.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from handlers.store.sql.database import Database
from handlers.store.sql.prepared import change_each
from handlers.store.sql.schema import MEDIA
from providers.media.ref import path_of, stored_name

_OF_OWNER = MEDIA.delete().where(MEDIA.c.owner == sa.bindparam("an_owner")).returning(MEDIA.c.ref)
_OF_JOB = MEDIA.delete().where(MEDIA.c.job == sa.bindparam("a_job")).returning(MEDIA.c.ref)
_BEFORE = MEDIA.delete().where(MEDIA.c.at < sa.bindparam("before", type_=MEDIA.c.at.type)).returning(MEDIA.c.ref)
_KNOWN = sa.select(MEDIA.c.ref).where(MEDIA.c.ref.in_(sa.bindparam("refs", expanding=True)))
BATCH = 500
"""SQLite limits the number of parameters."""


class SqlMedia(Database):
    async def unnamed(self, files: Sequence[Path]) -> tuple[Path, ...]:
        by_name = {stored_name(file, self.media): file for file in files}
        names = list(by_name)

        def work(c: sa.Connection) -> set[str]:
            found: set[str] = set()
            for start in range(0, len(names), BATCH):
                found |= set(c.execute(_KNOWN, {"refs": names[start : start + BATCH]}).scalars())
            return found

        known = await self._read(work, many=True)
        return tuple(file for name, file in by_name.items() if name not in known)

    def note_files(
        self, c: sa.Connection, owner: str, files: Iterable[Path] | Mapping[Path, str | None], now: datetime
    ) -> None:
        """These are named by a row of this owner that is being written now. A mapping says which jobs made them."""
        by_job = files if isinstance(files, Mapping) else dict.fromkeys(files)
        names = {stored_name(file, self.media): job for file, job in by_job.items()}
        if names:
            # Always in the same order, to avoid deadlocks.
            rows = [{"ref": name, "owner": owner, "job": names[name], "at": now} for name in sorted(names)]
            change_each(c, self.statement("note files", self._noting), rows)

    def _noting(self) -> Any:
        statement = self.insert(MEDIA)
        return statement.on_conflict_do_update(
            index_elements=["ref"],
            set_={"at": statement.excluded.at, "job": sa.func.coalesce(MEDIA.c.job, statement.excluded.job)},
        )

    def files_of_owner(self, c: sa.Connection, owner: str) -> set[Path]:
        return self._paths(c.execute(_OF_OWNER, {"an_owner": owner}).scalars())

    def files_made_by(self, c: sa.Connection, job: str) -> set[Path]:
        return self._paths(c.execute(_OF_JOB, {"a_job": job}).scalars())

    def files_older_than(self, c: sa.Connection, before: datetime) -> set[Path]:
        return self._paths(c.execute(_BEFORE, {"before": before}).scalars())

    def _paths(self, names: Iterable[str]) -> set[Path]:
        return {path_of(name, self.media) for name in names}
