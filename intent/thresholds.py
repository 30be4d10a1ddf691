"""The points from which the rules hold something for sure, in one table.

Points add up from the words found (`styles`, `edits`, `create`, `speech_acts`): a hint is worth about 1, a thing said
by its name 2, one said as a kind of picture 4. They were set on the labelled messages of `tests/intent`.
"""

STYLE_CLEAR = 1.6
"""A style is named plainly enough that a command's word beside it is no command."""
ACTION_CLEAR = 2.5
"""Likewise a change of the picture."""
TOLD_REREAD = 1.2
"""A message that tells this much is read again sentence by sentence, for the one that asks."""
STATEMENT_SURE = 2.0
"""A message that tells this much is a remark for certain."""

CREATE = 2.0
"""A picture from words alone."""
CREATE_OVER_EDIT = 3.0
"""… even where a change of a picture is named as clearly."""
CREATE_BARE = 1.6
"""… where nothing else is named."""
CREATE_LAST_RESORT = 1.2

EDIT_SURE = 2.0
"""An action counts by itself; below, only where nothing better is there."""
EDIT_NAMED = 3.0

ASK_GIVES_WAY = 3.5
"""A style as plain as this is taken although its words would otherwise be asked back about."""
STYLE_NAMED = 3.0
STYLE_SAID = 1.2
"""A style that is said and not only hinted at."""
STYLE_HINTED = 0.7
"""A style's prop or place, where a photo lies there and nothing else is asked."""
STYLE_ASKED = 0.3
"""Any trace of a style, where a picture is asked for."""
ID_NAMED = 6.0
"""Two words together name an ID photo (the paper and its colour) or a date (and its place)."""
