"""What is recorded of a turn besides the session and its jobs."""

from handlers.clean_files import CleanFiles
from handlers.dialogue.facts import MessageFacts
from handlers.dialogue.readings import about, count_picked, keep_message
from handlers.dialogue.refusals import refusal_counted
from handlers.dialogue.turn import Decision
from handlers.store.base import Store


class Records:
    """`keep_messages`: keep the text that was asked about for review, for so many `days`."""

    def __init__(self, store: Store, *, keep_messages: bool, days: int) -> None:
        self._store = store
        self._keep_messages = keep_messages
        self._days = days

    async def of(self, heard: MessageFacts, decision: Decision) -> None:
        """Called before the turn is committed."""
        if decision.clean is not None:
            await CleanFiles(self._store).record(decision.clean, at=heard.now)
        if decision.refused is not None:
            await self._store.count(refusal_counted(decision.refused))
        if decision.picked is not None:
            await count_picked(self._store, heard.message, decision.picked, at=heard.now, days=self._days)
        question = decision.session.question
        if self._keep_messages and question is not None and question.about == about(heard.message):
            await keep_message(self._store, heard.message, question, at=heard.now, days=self._days)
