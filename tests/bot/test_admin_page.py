"""The operator's page: off without a password, who gets in, what it shows and does, and whose numbers they are."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from bot.admin_page.routes import admin_routes
from bot.admin_page.sessions import COOKIE, KNOWN_COOKIE, LIFE, TRIES_OF_ONE, TRIES_OF_STRANGERS, AdminSessions
from bot.app import parts
from bot.channels.web.cookies import Sessions
from bot.http import create_app
from bot.metrics import Metrics
from bot.settings import Settings
from bot.web_app import web_app
from handlers.dialogue.access import Access, AccessRules
from handlers.dialogue.operations import Operations
from handlers.dialogue.refusals import refusal_counted
from handlers.message import Chat
from handlers.order import Order, Shot
from handlers.store.base import Budgets, Ceilings, Job, JobState, PartState
from handlers.store.memory import MemoryStore
from handlers.words import words
from providers.base import Charge, CostSource, Submission
from providers.moderation.offence import Offence
from providers.money import Money
from tests.bot.stage import picture_file
from tests.leaks import answered
from tests.world import Clock, RecordedJobs

PASSWORD = "correct-horse-battery"
ANN = Chat(channel="telegram", chat="4711000815", person="4711000815")
RULES = AccessRules(daily=Ceilings(bot=Decimal(50), person=Decimal(5)))


@dataclass(frozen=True, kw_only=True)
class Desk:
    http: httpx.AsyncClient
    store: MemoryStore
    jobs: RecordedJobs
    access: Access
    clock: Clock

    async def sign_in(self, password: str = PASSWORD) -> httpx.Response:
        return await self.http.post("/admin/login", data={"password": password, "lang": "en"})

    async def page(self, **asked: str) -> str:
        return (await self.http.get("/admin", params=asked)).text

    async def press(self, action: str, **fields: str) -> httpx.Response:
        """As the page's own form does."""
        return await self.http.post(f"/admin/{action}", data={"key": await self.key(), "lang": "en", **fields})

    async def key(self) -> str:
        found = re.search(r'name="key" value="([0-9a-f]+)"', await self.page())
        assert found is not None
        return found[1]


@asynccontextmanager
async def desk(
    *, store: MemoryStore | None = None, password: str = PASSWORD, client: str = "127.0.0.1"
) -> AsyncIterator[Desk]:
    clock = Clock()
    store = store or MemoryStore(clock=clock)
    access, jobs = Access(store, RULES), RecordedJobs()
    secret = b"a secret for tests"
    routes = admin_routes(
        operations=Operations(store=store, access=access, jobs=jobs, budgets=Budgets(bot=Decimal(10)), now=clock),
        sessions=AdminSessions(store=store, secret=secret, password=password, https=False, now=clock),
        visitors=Sessions(secret=secret),
        public_origin=None,
    )
    app = create_app(channels=[], store=store, metrics=Metrics(clock=clock), more=routes)
    transport = httpx.ASGITransport(app=app, client=(client, 1))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://bot", event_hooks={"response": [answered]}
    ) as http:
        yield Desk(http=http, store=store, jobs=jobs, access=access, clock=clock)


async def with_jobs(d: Desk, folder: Path) -> None:
    """One job made for $0.30 and one that failed, both with words in them; a refusal."""
    for name, state in (("made", JobState.DONE), ("broken", JobState.FAILED)):
        order = Order(operation="portrait", shots=(Shot(style="anime", scene="with aunt Zenobia"),))
        await d.store.add_job(Job(id=f"{name}-job", chat=ANN, order=order, created=d.clock()))
        await d.store.begin_part(f"{name}-job-0-0", f"{name}-job", "fal", count=2)
        if state is JobState.DONE:
            charge = Charge(money=Money.usd("0.3"), source=CostSource.ANSWER)
            await d.store.accept_part(f"{name}-job-0-0", Submission(provider="fal", request_id="r", charge=charge))
            pictures = (picture_file(folder), picture_file(folder, "other"))
            await d.store.end_part(f"{name}-job-0-0", PartState.MADE, pictures=pictures)
            await d.store.update_job(f"{name}-job", state=state, pictures=pictures, provider="fal")
        else:
            await d.store.end_part(f"{name}-job-0-0", PartState.FAILED)
            await d.store.update_job(f"{name}-job", state=state, error_code="made_nothing", provider="fal")
    await d.store.count(refusal_counted(Offence.BARE))


async def test_without_a_password_there_is_no_page(tmp_path: Path) -> None:
    for password, status in ((None, 404), (PASSWORD, 200)):
        settings = Settings(_env_file=None, data_dir=tmp_path / "data", output_dir=tmp_path / "out")
        settings = settings.model_copy(update={"admin_password": SecretStr(password) if password else None})
        async with parts(settings, listening=("web",), worker=False) as made:
            transport = httpx.ASGITransport(app=web_app(made))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as http:
                answer = await http.get("/admin")
                assert answer.status_code == status
                assert (await http.post("/admin/pause")).status_code != 200
                if password is not None:  # a site that points its own name here does not reach it
                    assert (await http.get("/admin", headers={"host": "evil.example"})).status_code == 421
                assert not await Access(made.store).paused()


def test_a_short_password_is_none() -> None:
    with pytest.raises(ValueError, match="12"):
        Settings(_env_file=None, admin_password=SecretStr("short"))


async def test_a_password_opens_it_and_signing_out_ends_the_session_for_good() -> None:
    async with desk() as d:
        assert 'name="password"' in await d.page()
        wrong = await d.sign_in("correct-horse-batter")
        assert (wrong.status_code, COOKIE in d.http.cookies) == (403, False)
        right = await d.sign_in()
        cookie = right.headers["set-cookie"].lower()
        assert right.status_code == 303
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/admin" in cookie
        kept = d.http.cookies[COOKIE]
        page = await d.http.get("/admin")
        assert words("en", "admin.going") in page.text
        assert page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "script" not in page.text
        await d.press("logout")
        stolen = httpx.AsyncClient(transport=d.http._transport, base_url="http://bot", cookies={COOKIE: kept})
        assert 'name="password"' in (await stolen.get("/admin")).text


async def test_a_session_ends_by_time_and_by_another_password() -> None:
    async with desk() as d:
        await d.sign_in()
        async with desk(store=d.store, password="another-long-password") as other:
            other.http.cookies = d.http.cookies
            assert 'name="password"' in await other.page()
        d.clock.ahead += LIFE
        assert 'name="password"' in await d.page()


async def test_passwords_are_tried_only_so_often_by_an_address(tmp_path: Path) -> None:
    async with desk(client="203.0.113.7") as d, desk(store=d.store, client="203.0.113.8") as other:
        for _ in range(int(TRIES_OF_ONE)):
            assert (await d.sign_in("a wrong password")).status_code == 403
        assert (await d.sign_in()).status_code == 429
        assert (await other.sign_in()).status_code == 303
        d.clock.ahead += LIFE
        assert (await d.sign_in()).status_code == 303


async def test_a_crowd_that_tries_passwords_keeps_no_known_browser_and_not_this_machine_out() -> None:
    async with desk(client="203.0.113.7") as d:
        await d.sign_in()
        known = d.http.cookies[KNOWN_COOKIE]
        for n in range(int(TRIES_OF_STRANGERS)):
            async with desk(store=d.store, client=f"198.51.100.{n}") as stranger:
                await stranger.sign_in("a wrong password")
        async with desk(store=d.store, client="198.51.100.200") as stranger:
            assert (await stranger.sign_in()).status_code == 429, "all strangers together have tried enough"
            forged = known.partition(".")[0] + "." + "0" * 64
            stranger.http.cookies.set(KNOWN_COOKIE, forged, path="/admin")
            assert (await stranger.sign_in()).status_code == 429
        async with desk(store=d.store, client="198.51.100.201") as elsewhere:
            elsewhere.http.cookies.set(KNOWN_COOKIE, known, path="/admin")
            assert (await elsewhere.sign_in()).status_code == 303
            for _ in range(int(TRIES_OF_ONE)):
                last = await elsewhere.sign_in("a wrong password")
            assert last.status_code == 429, "a known browser has tries of its own, and no more than anybody"
        async with desk(store=d.store, client="127.0.0.1") as here:
            assert (await here.sign_in()).status_code == 303


@pytest.mark.parametrize("action", ["pause", "resume", "resend", "block", "unblock", "grant", "logout"])
async def test_nothing_is_done_for_another_site_or_without_a_session(action: str) -> None:
    async with desk() as d:
        await d.access.set_paused(False)
        nobody = await d.http.post(f"/admin/{action}", data={"key": "", "job": "made-job"})
        assert nobody.headers["location"].endswith("told=expired")
        await d.sign_in()
        right: dict[str, str] = {"key": await d.key()}
        wrong: tuple[tuple[dict[str, str], dict[str, str], int], ...] = (
            ({}, {}, 403),
            ({"key": "0" * 64}, {}, 403),
            (right, {"origin": "https://evil.example"}, 400),
            (right, {"sec-fetch-site": "cross-site"}, 400),
        )
        for fields, headers, status in wrong:
            assert (await d.http.post(f"/admin/{action}", data=fields, headers=headers)).status_code == status
        assert words("en", "admin.going") in await d.page()
        assert (d.jobs.resent, await d.access.paused()) == ([], False)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"x" * 5000, b"&".join(b"a=1" for _ in range(50)), b""])
async def test_a_form_that_is_none_does_nothing(body: bytes) -> None:
    async with desk() as d:
        await d.sign_in()
        for action in ("login", "pause"):
            answer = await d.http.post(f"/admin/{action}", content=body)
            assert answer.status_code in (400, 403)
        assert not await d.access.paused()


async def test_it_shows_the_numbers_of_metrics_and_nobodys_words_or_id(tmp_path: Path) -> None:
    async with desk() as d:
        await with_jobs(d, tmp_path)
        await d.sign_in()
        page = await d.page()
        figures = (await d.http.get("/metrics")).text
        assert 'likeness_cost_today_usd{provider="fal"} 0.3' in figures
        assert 'likeness_pictures_today{provider="fal"} 2.0' in figures
        tiles = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))
        assert tiles[words("en", "admin_page.spent_today")] == "$0.30"
        assert tiles[words("en", "admin_page.pictures_today")] == "2"
        assert tiles[words("en", "admin_page.refused_today")] == "1"
        assert "made_nothing" in page
        assert "telegram:47…15" in page
        for private in ("Zenobia", ANN.person, ANN.owner):
            assert private not in page


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_it_speaks_both_languages(tmp_path: Path, language: str) -> None:
    async with desk() as d:
        await with_jobs(d, tmp_path)
        await d.sign_in()
        page = await d.page(lang=language, told="resumed")
        assert f'<html lang="{language}">' in page
        assert words(language, "admin_page.resumed") in page  # type: ignore[arg-type]
        assert "admin_page." not in page


async def test_a_made_up_note_is_not_shown() -> None:
    async with desk() as d:
        assert "role=" not in await d.page(told="<script>alert(1)</script>")
        assert "role=" not in await d.page(told="title")


async def test_pausing_blocking_granting_and_sending_again_do_what_the_words_in_a_chat_do(tmp_path: Path) -> None:
    async with desk() as d:
        await with_jobs(d, tmp_path)
        await d.sign_in()
        await d.press("pause")
        assert await d.access.refusal(ANN) == "paused"
        await d.press("resume")
        person = re.search(r'name="person" value="([0-9a-f]+)"', await d.page())
        assert person is not None
        await d.press("block", person=person[1])
        assert await d.access.refusal(ANN) == "blocked"
        assert words("en", "admin_page.blocked") in await d.page()
        await d.press("unblock", person=person[1])
        assert await d.access.refusal(ANN) is None
        assert (await d.press("grant", person=person[1], n="7")).headers["location"].endswith("told=granted")
        for wrong in ({"person": person[1], "n": "-1"}, {"person": "0" * 24, "n": "7"}):
            assert (await d.press("grant", **wrong)).headers["location"].endswith("told=unknown")
        await d.press("resend", job="made-job")
        assert (await d.press("resend", job="broken-job")).headers["location"].endswith("told=no_job")
        assert d.jobs.resent == ["made-job"]
