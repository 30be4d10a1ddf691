"""Whatever the services offer, whatever is preferred, whatever goes wrong: what may never happen does not."""

import asyncio
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.api.error_sentences import sentence_for
from providers.attempts import Outcome
from providers.base import Request
from providers.codes import CODES
from providers.collection import Piece, run
from providers.errors import AskPerson, LikenessError
from providers.fake import SUBMIT_FAULTS, FakeProvider, Script, offer
from providers.offers import Tier
from providers.preferences import Preferences, Priority
from providers.router import Router
from providers.submission import split
from providers.task import Consistency, Operation
from tests.providers.conftest import Naps
from tests.providers.test_submission import Notes
from tests.providers.wanted import wanted

NAMES = ("fal", "openai", "mine", "embedded", "more")
FAULTS = (None, None, *SUBMIT_FAULTS, "ends_without", "refused_later", "lost")
names = st.sampled_from(NAMES)
operations = st.sampled_from([Operation.CREATE, Operation.PORTRAIT, Operation.UPSCALE])
PREFERENCES = st.builds(
    Preferences,
    provider=st.none() | names,
    prefer=st.lists(names, max_size=3).map(tuple),
    block=st.frozensets(names, max_size=3),
    weights=st.none() | st.dictionaries(names, st.floats(0, 10), max_size=3),
    priority=st.none() | st.sampled_from(Priority),
    wished=st.none() | st.sampled_from(Priority),
    accepted=st.none() | st.frozensets(names),
)


@st.composite
def providers(draw: st.DrawFn) -> list[FakeProvider]:
    found = []
    for name in draw(st.sets(names, min_size=0)):
        tier = {"embedded": Tier.LOCAL, "mine": Tier.OWN}.get(name, Tier.SERVICE)
        offers = [
            offer(
                operation,
                usd=draw(st.sampled_from(["0", "0.1", "2"])),
                max_count=draw(st.integers(1, 4)),
                quality=draw(st.integers(1, 5)),
                consistency=frozenset(draw(st.sets(st.sampled_from(Consistency)))),
            )
            for operation in draw(st.lists(operations, max_size=3))
        ]
        scripts = [Script(fault=fault) for fault in draw(st.lists(st.sampled_from(FAULTS), max_size=6))]
        found.append(
            FakeProvider(
                name=name, tier=tier, able=offers, script=scripts, repeatable=tier is not Tier.SERVICE, sleep=Naps()
            )
        )
    return found


@st.composite
def wishes(draw: st.DrawFn, key: str = "job") -> Request:
    return wanted(
        key,
        operation=draw(operations),
        count=draw(st.integers(1, 8)),
        consistency=draw(st.none() | st.sampled_from(Consistency)),
        model=draw(st.sampled_from(["nanopro", "nanopro", "nano2", "fal/fake-model", "openai/fake-model"])),
        photos=draw(st.sampled_from([(), (Path("photo.png"),)])),
    )


async def made(
    wish: Request, router: Router, preferences: Preferences, notes: Notes, into: Path
) -> tuple[Piece, ...] | LikenessError:
    try:
        candidates = router.candidates(wish.task, preferences, lot=wish.key)
    except AskPerson as error:
        return error
    pieces = split(wish, min(c.offer.max_count for c in candidates))
    return await run(pieces, router, notes, into=into, preferences=preferences, sleep=Naps())


@settings(max_examples=150, deadline=None)
@given(
    providers(), st.lists(st.tuples(wishes(), PREFERENCES), min_size=1, max_size=4), st.frozensets(names, max_size=2)
)
def test_never_a_blocked_provider_a_second_paid_submit_or_a_company_without_consent(
    able: list[FakeProvider], requests: list[tuple[Request, Preferences]], blocked: frozenset[str]
) -> None:
    async def all_of_them() -> None:
        router = Router(able, blocked=tuple(blocked))
        notes = Notes()
        with TemporaryDirectory() as folder:
            for number, (wish, preferences) in enumerate(requests):
                before = {p.name: len(p.submitted) for p in able}
                key = f"job-{number}"
                whole = replace(wish, key=key)
                for _ in range(2):  # and once more, as after a restart
                    ends = await made(whole, router, preferences, notes, Path(folder))
                    explained(ends)
                asked = {p.name for p in able if len(p.submitted) > before[p.name]}
                keeps_the_rules(asked, able, preferences, blocked)
                if preferences.private and wish.photos:
                    assert asked.isdisjoint(p.name for p in able if p.tier is Tier.SERVICE)
                if wish.task.service is not None:
                    assert asked <= {preferences.provider or wish.task.service}
        paid_at_most_once(able, notes)

    asyncio.run(all_of_them())


def keeps_the_rules(
    asked: set[str], able: list[FakeProvider], preferences: Preferences, blocked: frozenset[str]
) -> None:
    assert asked.isdisjoint(blocked | preferences.block)
    if preferences.provider is not None:
        assert asked <= {preferences.provider}
    if preferences.accepted is not None:
        companies = {p.name for p in able if p.tier is Tier.SERVICE}
        assert asked & companies <= preferences.accepted


def paid_at_most_once(able: list[FakeProvider], notes: Notes) -> None:
    """Of one piece, no company has more than one job, nor two companies one each."""
    jobs: dict[str, int] = {}
    for provider in able:
        if provider.tier is Tier.SERVICE:
            for job in provider.jobs.values():
                jobs[job.request.key] = jobs.get(job.request.key, 0) + 1
    assert all(count == 1 for count in jobs.values()), jobs
    for key, record in notes.records.items():
        if record.error_code == "outcome_unknown":
            assert jobs.get(key, 0) <= 1


def explained(ends: tuple[Piece, ...] | LikenessError) -> None:
    """Pictures, or a code and a sentence; and who was asked stands there, in order, with how it ended."""
    if isinstance(ends, LikenessError):
        assert ends.code in CODES
        assert sentence_for(ends).endswith(".")
        return
    for end in ends:
        if end.error is None:
            assert end.result is not None
            assert end.result.pictures
            assert end.tried[-1].outcome is Outcome.MADE
        else:
            assert end.error.code in CODES
            assert sentence_for(end.error).endswith(".")
            assert all((a.outcome is Outcome.SKIPPED) == (a.code is None) for a in end.tried)
        assert all(a.outcome is not Outcome.MADE for a in end.tried[:-1])
