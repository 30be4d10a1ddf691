"""What a worker can do: which channels it can reach, which services it can ask, which folders it really shares.

A worker publishes this in its lease, and its dbos application version is derived from it, so that dbos gives it only
jobs it can do: a worker without a channel's token would pay for a picture that it cannot deliver; one without a
service's key would fall back to another service; one with folders of its own would not find the photo.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

VERSION = "2"
"""Changed only when running workflows could not continue in the new code; runs of another version are begun anew."""


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """`storage`: the id found in the folders; the same for processes that share them, whatever their paths."""

    channels: frozenset[str]
    queues: frozenset[str]
    storage: str
    version: str = VERSION

    @property
    def services(self) -> frozenset[str]:
        """The keys of the services that it can ask."""
        return frozenset(queue.split(".")[1] for queue in self.queues if "." in queue)

    @property
    def profile(self) -> str:
        """The application version for dbos: workers with the same profile can do the same jobs, except for services,
        which have queues of their own."""
        channels = hashlib.sha256(",".join(sorted(self.channels)).encode()).hexdigest()[:8]
        return f"{self.version}.{self.storage}.{channels}"

    def can(self, queue: str, channel: str, storage: str) -> bool:
        return queue in self.queues and channel in self.channels and storage == self.storage

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "storage": self.storage,
            "channels": sorted(self.channels),
            "queues": sorted(self.queues),
        }

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> "Abilities":
        return cls(
            version=str(said.get("version", "")),
            storage=str(said.get("storage", "")),
            channels=frozenset(said.get("channels", ())),
            queues=frozenset(said.get("queues", ())),
        )


def storage_of(profile: str) -> str | None:
    """The storage a run was queued for; None for a version that does not name it."""
    parts = profile.split(".")
    return parts[1] if len(parts) == 3 and parts[0] == VERSION else None


def who_can(workers: Iterable[Abilities], queue: str, channel: str, storage: str) -> Abilities | None:
    return next((w for w in workers if w.version == VERSION and w.can(queue, channel, storage)), None)
