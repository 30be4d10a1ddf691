"""Which language a person is answered in.

What they set wins; then a whole sentence of their own; then a page or a client that speaks another language than it
did; then what it was before. A word or two ("anime", 水彩) and an example they were offered change nothing: but who
sends Chinese characters reads Chinese, so that message alone is answered so.
"""

import re

from handlers.message import Language, Message
from handlers.session import Session

_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_SENTENCE = re.compile(r"[我你您他她它们请帮给把让吗呢吧啊了这那哪怎什么能想要来做换改变弄修]")
_WORD = re.compile(r"[a-z']+")
_ENGLISH_SENTENCE = re.compile(
    r"\b(?:the|an?|i|me|my|we|us|our|your?|its?|this|that|these|those|is|are|am|was|be|do|does|can|could|would|should|will|"
    r"please|make|made|put|give|turn|of|to|with|for|from|into|and|how|what|where|when|why)\b"
)
_LONG_ENOUGH = 8
"""Han characters that are a sentence whatever they say."""
_SOME = 2
"""Han characters that are no slip of the finger."""


def sentence_in(text: str) -> Language | None:
    """The language of the words where they are a sentence, not a phrase that anybody may know."""
    text = re.sub(r"^/\w+", "", text)  # a command is in no language
    han = len(_HAN.findall(text))
    if han >= _LONG_ENOUGH or (han >= 4 and _HAN_SENTENCE.search(text)):
        return "zh"
    said = text.casefold()
    if not han and len(_WORD.findall(said)) >= 3 and _ENGLISH_SENTENCE.search(said):
        return "en"
    return None


def language_of(
    session: Session, text: str, read: Language, hint: Language | None, *, offered: bool = False
) -> Language:
    """`read`: what `intent` takes the words for, where nothing else is known. `offered`: they are an example's."""
    if session.language_fixed and session.language:
        return session.language
    if not offered and (said := sentence_in(text)) is not None:
        return said
    if hint is not None and hint != session.language_hint:
        return hint
    letters = any(c.isalpha() for c in re.sub(r"^/\w+", "", text))
    return session.language or hint or (read if letters else "en")


def language_kept(session: Session, message: Message, read: Language) -> Language:
    """What later messages, that say nothing of it, are answered in."""
    return language_of(session, message.text, read, message.language_hint, offered=message.offered)


def language_for(session: Session, message: Message, read: Language) -> Language:
    """What this message is answered in."""
    is_set = session.language_fixed and session.language
    if not is_set and read == "zh" and len(_HAN.findall(message.text)) >= _SOME:
        return "zh"
    return language_kept(session, message, read)
