"""The help named the commands “forget” and “风格”, which were answered with small talk that named “风格” again."""

import re

import pytest

from handlers.message import Language
from handlers.words import words
from intent import parse


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_command_the_help_names_is_understood(language: Language) -> None:
    last = words(language, "help.commands")
    named = [name.strip() for name in re.split("[,、]", re.split("[:：]", last.rstrip(".。"))[1])]
    assert len(named) >= 7
    assert [name for name in named if parse(name, photos=0).operation != "command"] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_small_talk_says_to_type_shows_the_styles(language: Language) -> None:
    quoted = re.findall("“(.+?)”", words(language, "say.small_talk"))
    assert [parse(said, photos=0).command for said in quoted] == ["styles"]
