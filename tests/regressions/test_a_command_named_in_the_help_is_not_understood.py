"""The English help named the command “forget”, which was answered with small talk."""

import re

import pytest

from handlers.message import Language
from handlers.words import words
from intent import parse


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_command_the_help_names_is_understood(language: Language) -> None:
    last = words(language, "say.help").strip().splitlines()[-1]
    named = [name.strip() for name in re.split("[,、]", re.split("[:：]", last.rstrip(".。"))[1])]
    assert len(named) == 7
    assert [name for name in named if parse(name, photos=0).operation != "command"] == []
