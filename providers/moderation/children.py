"""What is not made of children besides what is made of nobody: slimming, swimwear and underwear, and the styles and
edits that the catalog marks as not theirs.

Told by the person's words and by a child's style; nobody's age is guessed from a face.
"""

import re
import unicodedata

from providers.catalog.records import ACTIONS, STYLES
from providers.moderation.words import speaks_of_a_minor
from providers.task import Task

CHILD_STYLE = "child_portrait"
_CHILD = re.compile(
    r"儿子|闺女|孙子|孙女|外孙|幼儿|我家宝贝|小宝贝|\b(?:grandson|granddaughter|kiddo)s?\b", re.IGNORECASE
)
_UNFIT = re.compile(
    r"泳装|泳衣|泳裤|比基尼|内衣|瘦身|减肥|瘦脸|瘦腰|瘦腿|显瘦|变瘦|瘦一点|瘦点|苗条|丰胸|翘臀|性感"
    r"|\b(?:swim ?suits?|swimwear|bikinis?|underwear|lingerie|slim(?:mer|ming)?|skinn(?:y|ier)|thinner|lose weight"
    r"|weight loss|sexy|belly fat)\b",
    re.IGNORECASE,
)


def speaks_of_a_child(text: str) -> bool:
    return _CHILD.search(unicodedata.normalize("NFKC", text)) is not None or speaks_of_a_minor(text)


def is_adult(key: str | None) -> bool:
    """Whether a style or an edit is marked as not of children."""
    return any(key in table and table[key].adult for table in (STYLES, ACTIONS) if key is not None)


def says_unfit(text: str) -> bool:
    """Whether words ask for what is not made of a child."""
    return _UNFIT.search(unicodedata.normalize("NFKC", text)) is not None


def unfit_for_a_child(text: str, task: Task) -> bool:
    """Whether a request is said to be of a child and for what is not made of one. Without a photo it is of nobody."""
    if not task.photos and not task.face:
        return False
    child = task.style == CHILD_STYLE or speaks_of_a_child(text)
    return child and (is_adult(task.style) or is_adult(task.action) or says_unfit(text))
