"""The routes of `/admin`.

GET  /admin                 the page, or the question for the password
POST /admin/login           a password; too many of them in a minute are not looked at
POST /admin/logout · pause · resume · resend · block · unblock · grant

A post counts only with a session, from our own page, and with the session's key in the form. Whatever it did, the
browser is sent back to the page, so that loading it again does nothing twice.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qs, urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.admin_page.sessions import AdminSessions
from bot.admin_page.view import HEADERS, Figures, View
from bot.channels.web.addresses import address_of
from bot.channels.web.cookies import Sessions
from bot.channels.web.middleware import same_site
from bot.channels.web.texts import language_of
from bot.posted import BodyTooLarge, body_of
from handlers.dialogue.operations import Operations
from handlers.message import Language
from handlers.words import words

log = logging.getLogger(__name__)

PATH = "/admin"
DAYS = 14
SHOWN = 10
MOST_BYTES, BODY_SECONDS = 4096, 10.0
_NOTES: Mapping[str, str] = {
    "expired": "admin_page.expired",
    "paused": "admin_page.paused",
    "resumed": "admin_page.resumed",
    "resent": "admin_page.resent",
    "no_job": "admin_page.no_job",
    "blocked": "admin_page.blocked_now",
    "unblocked": "admin_page.unblocked_now",
    "granted": "admin_page.granted",
    "unknown": "admin_page.unknown",
}
"""What may be said at the top: a key that comes in by the address is looked up here, never shown."""
Form = Mapping[str, str]
Action = Callable[[Form], Awaitable[str]]


def admin_routes(
    *, operations: Operations, sessions: AdminSessions, visitors: Sessions, public_origin: str | None
) -> list[Route]:
    """`visitors`: names addresses. `public_origin`: where the page is found from outside, behind a proxy."""
    page = _AdminPage(operations=operations, sessions=sessions, visitors=visitors, origin=public_origin)
    return [
        Route(PATH, page.show, methods=["GET"]),
        Route(f"{PATH}/login", page.login, methods=["POST"]),
        *(Route(f"{PATH}/{name}", page.act, methods=["POST"]) for name in page.actions),
    ]


class _AdminPage:
    def __init__(
        self, *, operations: Operations, sessions: AdminSessions, visitors: Sessions, origin: str | None
    ) -> None:
        self._operations = operations
        self._sessions = sessions
        self._visitors = visitors
        self._origin = origin
        self.actions: dict[str, Action] = {
            "logout": self._nothing,
            "pause": self._pause,
            "resume": self._resume,
            "resend": self._resend,
            "block": self._block,
            "unblock": self._unblock,
            "grant": self._grant,
        }

    # --- asked for

    async def show(self, request: Request) -> Response:
        language, told = _language(request), _note(request)
        session = await self._sessions.session(request)
        if session is None:
            return _html(View(language, days=DAYS).login(told))
        figures = await self._figures()
        handles = {person.name: self._sessions.handle(person.name) for person in figures.people}
        view = View(language, days=DAYS, form_key=self._sessions.form_key(session))
        return _html(view.page(figures, handles, told))

    async def login(self, request: Request) -> Response:
        form = await self._form(request)
        if form is None:
            return _refused(400)
        if not await self._sessions.may_try(request, address_of(request, self._visitors)):
            log.warning("too many passwords were tried at /admin")
            return _html(View(_spoken(form), days=DAYS).login(words(_spoken(form), "admin_page.too_many")), 429)
        if not self._sessions.is_password(form.get("password", "")):
            log.warning("a wrong password was tried at /admin")
            return _html(View(_spoken(form), days=DAYS).login(words(_spoken(form), "admin_page.wrong_password")), 403)
        response = _back(_spoken(form))
        await self._sessions.begin(request, response)
        log.info("somebody signed in at /admin")
        return response

    async def act(self, request: Request) -> Response:
        form = await self._form(request)
        session = await self._sessions.session(request)
        if form is None:
            return _refused(400)
        if session is None:
            return _back(_spoken(form), "expired")
        if not self._sessions.is_form_key(session, form.get("key", "")):
            return _refused(403)
        name = request.url.path.rpartition("/")[2]
        response = _back(_spoken(form), await self.actions[name](form))
        log.info("at /admin: %s", name)
        if name == "logout":
            await self._sessions.end(session, response)
        return response

    async def _form(self, request: Request) -> dict[str, str] | None:
        """The fields of a form of ours; None where it comes from elsewhere or is none."""
        if not same_site(request, self._origin):
            return None
        try:
            body = await body_of(request, most=MOST_BYTES, seconds=BODY_SECONDS)
            fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10)
        except (BodyTooLarge, TimeoutError, ClientDisconnect, ValueError):  # UnicodeDecodeError is a ValueError
            return None
        return {name: values[-1] for name, values in fields.items()}

    async def _figures(self) -> Figures:
        asked = self._operations
        return Figures(
            now=asked.now(),
            paused=await asked.paused(),
            open_jobs=await asked.open_jobs(),
            today=await asked.today(),
            budgets=await asked.budgets(),
            by_day=await asked.costs_by_day(DAYS),
            by_provider=await asked.costs_by_provider(DAYS),
            running=await asked.running(SHOWN),
            failed=await asked.ended(SHOWN, badly=True),
            made=await asked.ended(SHOWN, badly=False),
            people=await asked.people(SHOWN),
        )

    # --- done; each says what is told

    async def _nothing(self, _: Form) -> str:
        return ""

    async def _pause(self, _: Form) -> str:
        await self._operations.pause(True)
        return "paused"

    async def _resume(self, _: Form) -> str:
        await self._operations.pause(False)
        return "resumed"

    async def _resend(self, form: Form) -> str:
        return "resent" if await self._operations.resend(form.get("job", "")) else "no_job"

    async def _block(self, form: Form) -> str:
        return await self._decide(form, blocked=True)

    async def _unblock(self, form: Form) -> str:
        return await self._decide(form, blocked=False)

    async def _decide(self, form: Form, *, blocked: bool) -> str:
        name = await self._named(form)
        if name is None:
            return "unknown"
        await self._operations.block(name, blocked)
        return "blocked" if blocked else "unblocked"

    async def _grant(self, form: Form) -> str:
        name, n = await self._named(form), form.get("n", "")
        if name is None or not (n.isascii() and n.isdecimal() and 1 <= len(n) <= 5):
            return "unknown"
        await self._operations.grant(name, int(n))
        return "granted"

    async def _named(self, form: Form) -> str | None:
        """The person that a form is about, of those that the page shows."""
        handle = form.get("person", "")
        people = await self._operations.people(SHOWN)
        return next((p.name for p in people if self._sessions.handle(p.name) == handle), None)


def _language(request: Request) -> Language:
    return _known(request.query_params.get("lang")) or language_of(request.headers.get("accept-language", ""))


def _spoken(form: Form) -> Language:
    return _known(form.get("lang")) or "en"


def _known(language: str | None) -> Language | None:
    return "zh" if language == "zh" else "en" if language == "en" else None


def _note(request: Request) -> str:
    key = _NOTES.get(request.query_params.get("told", ""))
    return words(_language(request), key) if key else ""


def _back(language: Language, told: str = "") -> Response:
    asked = {"lang": language, **({"told": told} if told else {})}
    return RedirectResponse(f"{PATH}?{urlencode(asked)}", 303, headers={"cache-control": "no-store"})


def _html(page: str, status: int = 200) -> Response:
    return Response(page, status, media_type="text/html; charset=utf-8", headers=HEADERS)


def _refused(status: int) -> Response:
    return Response(status_code=status, headers={"connection": "close", **HEADERS})
