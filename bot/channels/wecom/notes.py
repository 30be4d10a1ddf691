"""Facts recorded beside the talks: when the platform last called, how people rated answers; and what `doctor` says."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.channels.wecom.incoming import Incoming
from bot.channels.wecom.settings import WeComSettings
from handlers.channel import Finding
from handlers.message import Chat
from handlers.store.base import Values

STATE = "wecom.state"
FEEDBACK = "wecom.feedback"
FEEDBACK_LIFE = timedelta(days=90)
CALLED_EVERY = 3600.0
"""Seconds between two records of the platform's calls."""

EXTENDED = (
    "nobody but its creator gets an answer where the bot has extended permissions (documents, messages, calendar): "
    "keep the basic ones, and list the people under 可使用的成员 in the admin console; "
    "groups with members outside the company cannot use it"
)
"""Failures that the platform does not report; its interface offers no way to query them."""


class Notes:
    def __init__(self, store: Values, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._called = 0.0

    async def called(self) -> None:
        """The platform called with the right signature."""
        now = self._clock().timestamp()
        if now - self._called >= CALLED_EVERY:
            await self._store.set_value(STATE, "called", str(int(now)))
            self._called = now

    async def feedback(self, chat: Chat, incoming: Incoming) -> None:
        """Good, bad or withdrawn; `task` is the answer it is about."""
        expires = self._clock() + FEEDBACK_LIFE
        await self._store.set_value(FEEDBACK, incoming.task, incoming.feedback, owner=chat.owner, expires=expires)

    async def findings(self, settings: WeComSettings) -> tuple[Finding, ...]:
        found = [Finding(verdict="warning", message=message) for message in (EXTENDED, *settings.what_is_missed())]
        if settings.mode == "callback":
            called = await self._store.value(STATE, "called")
            if called is None:
                message = (
                    "the platform has never called /wecom with the right signature: press 保存 in the admin console "
                    "while `likeness run` runs, and compare WECOM_BOT_TOKEN and WECOM_BOT_AES_KEY"
                )
                found.append(Finding(verdict="warning", message=message))
            else:
                last = datetime.fromtimestamp(float(called), self._clock().tzinfo)
                found.append(Finding(verdict="ok", message=f"callback mode; last called {last:%Y-%m-%d %H:%M} UTC"))
        rated = Counter(value for _, value in await self._store.space(FEEDBACK))
        if rated:
            message = f"answers rated good: {rated['good']}, bad: {rated['bad']}"
            found.append(Finding(verdict="ok", message=message))
        return tuple(found)
