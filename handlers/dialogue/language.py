"""Which language a person is answered in.

Their own setting wins; then a whole sentence they wrote; then the language of a page or client, if it has changed; then
the language so far. A word or two ("anime", 水彩) or a tapped example changes nothing: but people who send Chinese
characters read Chinese, so that one message is answered in Chinese.
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
"""So many Han characters are a sentence, whatever they say."""
_SOME = 2
"""So many Han characters are no typo."""


def sentence_in(text: str) -> Language | None:
    """The language of the text if it is a sentence rather than a phrase that anybody may know."""
    text = re.sub(r"^/\w+", "", text)  # a command belongs to no language
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
    """`read`: the language `intent` detects, used if nothing else is known. `offered`: the text is an example that was
    tapped."""
    if session.language_fixed and session.language:
        return session.language
    if not offered and (said := sentence_in(text)) is not None:
        return said
    if hint is not None and hint != session.language_hint:
        return hint
    letters = any(c.isalpha() for c in re.sub(r"^/\w+", "", text))
    return session.language or hint or (read if letters else "en")


def language_kept(session: Session, message: Message, read: Language) -> Language:
    """The language of later messages that do not indicate one."""
    return language_of(session, message.text, read, message.language_hint, offered=message.offered)


def language_for(session: Session, message: Message, read: Language) -> Language:
    """The language in which this message is answered."""
    is_set = session.language_fixed and session.language
    if not is_set and read == "zh" and len(_HAN.findall(message.text)) >= _SOME:
        return "zh"
    return language_kept(session, message, read)
