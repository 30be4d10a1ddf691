"""Who is signed in at /admin: one password, a cookie that ends, and what every form has to bring along.

A session is a random number of 256 bits in the browser. The store holds its keyed hash until it expires, so that
signing out ends it on every machine; the key is made with the password, so that changing that ends them all.

A browser that signed in once is known from then on by a second cookie, which opens nothing: it has tries of its own, so
that nobody who tries passwords in crowds, or from the same address, keeps the operator out.
"""

import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from starlette.requests import HTTPConnection
from starlette.responses import Response

from handlers.store.accounting import scope_of
from handlers.store.base import Limit, Store

COOKIE = "likeness_admin"
LIFE = timedelta(hours=12)
KNOWN_COOKIE = "likeness_admin_known"
KNOWN_LIFE = timedelta(days=180)
TRIES_OF_ONE, TRIES_OF_STRANGERS = Decimal(10), Decimal(60)
"""Passwords that may be tried in a minute, on all machines together: by one address or known browser, and by all
addresses that are strange."""
_SPACE = "admin.sessions"


class AdminSessions:
    def __init__(
        self,
        *,
        store: Store,
        secret: bytes,
        password: str,
        https: bool,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`secret`: the installation's. `https`: browsers reach the page that way, whatever this process hears."""
        self._store = store
        self._key = hmac.digest(secret, b"likeness.admin\x1f" + password.encode(), "sha256")
        self._password = self._sealed("password", password)
        self._https = https
        self._now = now

    async def may_try(self, connection: HTTPConnection, address: str | None) -> bool:
        """Whether another password may be tried: counted before it is looked at. `address`: None for this machine."""
        known = self._known(connection)
        scope = scope_of("admin:known", known) if known else scope_of("admin:address", address or "here")
        if not await self._store.count(Limit(scope=scope, amount=Decimal(1), most=TRIES_OF_ONE, period="minute")):
            return False
        if known or address is None:
            return True
        strangers = Limit(scope="admin:all", amount=Decimal(1), most=TRIES_OF_STRANGERS, period="minute")
        return await self._store.count(strangers)

    def _known(self, connection: HTTPConnection) -> str | None:
        """The name of a browser that signed in before, with the password of today."""
        name, _, seal = connection.cookies.get(KNOWN_COOKIE, "").partition(".")
        sound = hmac.compare_digest(self._sealed("known", name).encode(), seal.encode("utf-8", "replace"))
        return name if name and sound else None

    def is_password(self, given: str) -> bool:
        """In the same time whatever is given."""
        return hmac.compare_digest(self._sealed("password", given), self._password)

    async def begin(self, connection: HTTPConnection, response: Response) -> None:
        """A new session, its cookie on `response`."""
        token = secrets.token_urlsafe(32)
        await self._store.set_value(_SPACE, self._sealed("session", token), "1", expires=self._now() + LIFE)
        name = self._known(connection) or secrets.token_urlsafe(16)
        secure = self._https or connection.url.scheme == "https"
        for cookie, value, life in (
            (COOKIE, token, LIFE),
            (KNOWN_COOKIE, f"{name}.{self._sealed('known', name)}", KNOWN_LIFE),
        ):
            response.set_cookie(
                cookie,
                value,
                max_age=int(life.total_seconds()),
                path="/admin",
                httponly=True,
                samesite="strict",
                secure=secure,
            )

    async def session(self, connection: HTTPConnection) -> str | None:
        """The session behind a request, or None where it has none that holds."""
        token = connection.cookies.get(COOKIE, "")
        if not token or len(token) > 100:
            return None
        there = await self._store.value(_SPACE, self._sealed("session", token))
        return token if there is not None else None

    async def end(self, token: str, response: Response) -> None:
        await self._store.drop_value(_SPACE, self._sealed("session", token))
        response.delete_cookie(COOKIE, path="/admin")

    def form_key(self, token: str) -> str:
        """What every form of this session brings along: no other site knows it."""
        return self._sealed("form", token)

    def is_form_key(self, token: str, given: str) -> bool:
        return hmac.compare_digest(self.form_key(token).encode(), given.encode("utf-8", "replace"))

    def handle(self, name: str) -> str:
        """A name for a person in a form, by which the page finds them again; it tells nothing about them."""
        return self._sealed("person", name)[:24]

    def _sealed(self, purpose: str, text: str) -> str:
        return hmac.digest(self._key, f"{purpose}\x1f{text}".encode("utf-8", "replace"), "sha256").hex()
