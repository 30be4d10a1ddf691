"""What `GET /metrics` shows. Every figure here is fed by something that runs; operators may rely on the names.

A registry of its own for each process value, so that two apps in one test process do not share figures.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from handlers.dialogue.operations import today
from handlers.dialogue.refusals import BRAKES, brake_scope
from handlers.jobs.durations import medians
from handlers.store.base import ENDED, Job, JobState, Store

OPEN_STATES = tuple(state for state in JobState if state not in ENDED)
_LOOKED_AT = 1000
"""Ended jobs since the figures were last requested, at most."""

_JOB_SECONDS = (1, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1800)
_HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class Metrics:
    """The figures of one process: of its requests, messages and deliveries. Jobs are those of the whole installation,
    read from the store whenever the figures are requested, whichever process ran them."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._ended_since = clock()
        self._ended_then: frozenset[str] = frozenset()
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "likeness_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._http_seconds = Histogram(
            "likeness_http_seconds",
            "Seconds to the end of an answer; event streams are left out.",
            ["route"],
            buckets=_HTTP_SECONDS,
            registry=self.registry,
        )
        self._messages = Counter("likeness_messages", "Messages taken.", ["channel"], registry=self.registry)
        self._streams = Gauge("likeness_event_streams", "Open event streams.", registry=self.registry)
        self._deliveries = Counter(
            "likeness_deliveries", "Results handed to a channel.", ["channel", "outcome"], registry=self.registry
        )
        self._jobs = Gauge(
            "likeness_jobs", "Jobs not yet ended, of the whole installation.", ["state"], registry=self.registry
        )
        self._oldest = Gauge(
            "likeness_oldest_job_seconds",
            "Age of the oldest job in a state; 0 where there is none. `new` is the queue.",
            ["state"],
            registry=self.registry,
        )
        self._cost = Gauge(
            "likeness_cost_today_usd",
            "Charged since midnight (UTC), of the whole installation, in US dollars.",
            ["provider"],
            registry=self.registry,
        )
        self._pictures = Gauge(
            "likeness_pictures_today",
            "Pictures of those charges.",
            ["provider"],
            registry=self.registry,
        )
        self._refused = Gauge(
            "likeness_refused", "Wishes refused today (UTC) by the content policy.", ["kind"], registry=self.registry
        )
        self._braked = Gauge(
            "likeness_limit_refused",
            "Wishes refused today (UTC) because a budget or a number of pictures was used up.",
            ["kind", "whose"],
            registry=self.registry,
        )
        self._provider_seconds = Gauge(
            "likeness_provider_seconds",
            "Median seconds that a provider's last requests took, of the whole installation.",
            ["provider", "operation", "model"],
            registry=self.registry,
        )
        self._job_seconds = Histogram(
            "likeness_job_seconds",
            "Seconds from the message to the end of its job, since this process began.",
            ["provider", "state"],
            buckets=_JOB_SECONDS,
            registry=self.registry,
        )
        self._job_errors = Counter(
            "likeness_job_errors",
            "Jobs that ended with an error, since this process began.",
            ["provider", "code"],
            registry=self.registry,
        )

    def http(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """One response. `route` is the pattern, never the address; `seconds` is None for a stream."""
        self._requests.labels(method, route, str(status)).inc()
        if seconds is not None:
            self._http_seconds.labels(route).observe(seconds)

    def message(self, channel: str) -> None:
        self._messages.labels(channel).inc()

    def stream(self, change: int) -> None:
        """+1 for an event stream that opened, -1 for one that ended."""
        self._streams.inc(change)

    def delivery(self, channel: str, outcome: str) -> None:
        """`outcome`: `sent`, `held`, `refused`, `later`, `unknown`."""
        self._deliveries.labels(channel, outcome).inc()

    async def exposition(self, store: Store) -> bytes:
        """The Prometheus text, with the jobs counted now."""
        now = self._clock()
        there = {row.state: row for row in await store.open_jobs()}
        for state in OPEN_STATES:
            row = there.get(state)
            self._jobs.labels(state.value).set(row.count if row else 0)
            self._oldest.labels(state.value).set(max(0.0, (now - row.oldest).total_seconds()) if row else 0)
        day = await today(store, now)
        self._cost.clear()  # yesterday's providers are not today's
        self._pictures.clear()
        for cost in day.charged:
            self._cost.labels(cost.key or "none").set(float(cost.usd))
            self._pictures.labels(cost.key or "none").set(cost.pictures)
        for offence, times in day.refused.items():
            self._refused.labels(offence.value).set(times)
        for kind, whose in BRAKES:
            self._braked.labels(kind, whose).set(float(await store.counted(brake_scope(kind, whose))))
        self._provider_seconds.clear()
        for (provider, operation, model), seconds in (await medians(store)).items():
            self._provider_seconds.labels(provider, operation, model).set(seconds)
        self._count_ended(await store.jobs(states=tuple(ENDED), limit=_LOOKED_AT))
        return generate_latest(self.registry)

    def _count_ended(self, jobs: Iterable[Job]) -> None:
        """Count the jobs that ended since the last time, each once."""
        ended = [(job.finished, job) for job in jobs if job.finished and job.finished >= self._ended_since]
        for finished, job in ended:
            if job.id in self._ended_then:
                continue
            self._job_seconds.labels(job.provider or "none", job.state.value).observe(
                max(0.0, (finished - job.created).total_seconds())  # the clock may have been set back
            )
            if job.error_code is not None:
                self._job_errors.labels(job.provider or "none", job.error_code).inc()
        if ended:
            # Jobs of that same moment may still be written: they are read again, and recognised by their ids.
            self._ended_since = max(finished for finished, _ in ended)
            self._ended_then = frozenset(job.id for finished, job in ended if finished == self._ended_since)
