"""The account's own menu, from a file: read, checked against the platform's limits, created.

[[button]]
name = "选风格"
key = "groups"            # a choice: groups, edits, style:anime, action:retouch, group:art

[[button]]
name = "更多"
  [[button.sub]]
  name = "再来一张"
  say = "再来一张"         # as if the person had typed it
  [[button.sub]]
  name = "发照片"
  photo = true            # opens camera or album
  [[button.sub]]
  name = "帮助"
  url = "https://example.com/help"
"""

import tomllib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from handlers.choices import leads_somewhere

TOP, SUB = 3, 5
NAME_BYTES, SUB_NAME_BYTES = 60, 60
"""What the platform accepts; the app shows about 4 and 8 Chinese characters and truncates the rest."""
KEY_BYTES = 128
_DOES = ("key", "say", "photo", "url")


class BadMenu(Exception):
    """What is wrong with a menu file, in words for the operator."""


def read_menu(text: str) -> dict[str, Any]:
    """The platform's JSON for `menu/create`. Raises BadMenu."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadMenu(f"not TOML: {error}") from None
    buttons = data.pop("button", None)
    if data or not isinstance(buttons, list) or not 1 <= len(buttons) <= TOP:
        raise BadMenu(f"a menu is 1 to {TOP} [[button]] tables and nothing else")
    return {"button": [_button(button, top=True) for button in buttons]}


def _button(button: Any, *, top: bool) -> dict[str, Any]:
    if not isinstance(button, Mapping):
        raise BadMenu(f"a button is a table ({'[[button]]' if top else '[[button.sub]]'}), not {button!r:.40}")
    name = button.get("name")
    if not isinstance(name, str) or not name.strip() or len(name.encode()) > NAME_BYTES:
        raise BadMenu(f"a button needs a name of at most {NAME_BYTES} bytes")
    subs = button.get("sub")
    if top and subs is not None:
        if not isinstance(subs, list) or not 1 <= len(subs) <= SUB or set(button) != {"name", "sub"}:
            raise BadMenu(f"{name}: a button with sub-buttons has 1 to {SUB} of them and does nothing itself")
        return {"name": name, "sub_button": [_button(sub, top=False) for sub in subs]}
    does = [word for word in _DOES if word in button]
    if len(does) != 1 or set(button) != {"name", does[0]}:
        raise BadMenu(f"{name}: give exactly one of {', '.join(_DOES)}")
    return {"name": name, **_action(name, does[0], button[does[0]])}


def _action(name: str, does: str, value: Any) -> dict[str, Any]:
    if does == "photo":
        if value is not True:
            raise BadMenu(f"{name}: photo is true or left out")
        return {"type": "pic_photo_or_album", "key": "photo"}
    if not isinstance(value, str) or not value.strip():
        raise BadMenu(f"{name}: {does} needs a value")
    if does == "url":
        if urlsplit(value).scheme not in ("http", "https") or len(value.encode()) > 1024:
            raise BadMenu(f"{name}: url needs an http or https address of at most 1024 bytes")
        return {"type": "view", "url": value}
    if does == "key" and not leads_somewhere(value):
        raise BadMenu(
            f"{name}: no choice is called {value!r:.60}; there are groups, edits, style:KEY, action:KEY and group:KEY "
            "(`likeness styles` and `likeness actions` list the keys)"
        )
    key = value if does == "key" else f"say:{value}"
    if len(key.encode()) > KEY_BYTES:
        raise BadMenu(f"{name}: {does} is longer than {KEY_BYTES} bytes")
    return {"type": "click", "key": key}
