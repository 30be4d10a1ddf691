"""`likeness wechat menu` and what `likeness doctor` says about the account."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.channels.wechat.menu import BadMenu, read_menu
from bot.cli import main
from tests.bot.wechat.house import house
from tests.servers.wechat import APP_ID, APP_SECRET, TOKEN, FakeWeChat

MENU = """
[[button]]
name = "选风格"
key = "groups"

[[button]]
name = "更多"
  [[button.sub]]
  name = "再来一张"
  say = "再来一张"
  [[button.sub]]
  name = "发照片"
  photo = true
  [[button.sub]]
  name = "帮助"
  url = "https://example.com/help"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wechat: FakeWeChat) -> Path:
    monkeypatch.chdir(tmp_path)
    settings = {
        "DATA_DIR": str(tmp_path),
        "OUTPUT_DIR": str(tmp_path / "pictures"),
        "WECHAT_APP_ID": APP_ID,
        "WECHAT_APP_SECRET": APP_SECRET,
        "WECHAT_TOKEN": TOKEN,
        "WECHAT_API_URL": wechat.url,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "menu.toml").write_text(MENU, "utf-8")
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--json"])


def document(result: Result) -> dict[str, Any]:
    made = json.loads(result.stdout)
    assert isinstance(made, dict)
    return made


def test_a_menu_is_created_from_a_file(home: Path, wechat: FakeWeChat) -> None:
    result = run("wechat", "menu", str(home / "menu.toml"))
    assert result.exit_code == 0
    assert document(result)["success"] is True
    first, second = wechat.menu["button"]
    assert first == {"name": "选风格", "type": "click", "key": "groups"}
    assert [b["type"] for b in second["sub_button"]] == ["click", "pic_photo_or_album", "view"]
    assert second["sub_button"][0]["key"] == "say:再来一张"


def test_an_account_that_may_not_have_a_menu_is_told_so(home: Path, wechat: FakeWeChat) -> None:
    wechat.rights = frozenset()
    result = run("wechat", "menu", str(home / "menu.toml"))
    assert result.exit_code == 1
    assert "right" in document(result)["error"]["message"]


def test_without_an_account_the_settings_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WECHAT_APP_ID", "WECHAT_APP_SECRET", "WECHAT_TOKEN"):
        monkeypatch.delenv(name)
    result = run("wechat", "menu", str(home / "menu.toml"))
    assert result.exit_code == 1
    assert "WECHAT_APP_ID" in document(result)["error"]["message"]


@pytest.mark.parametrize(
    "text",
    [
        "not toml at all [",
        "",
        'other = "thing"',
        "[[button]]\nname = 'a'\nkey = 'groups'\n" * 4,
        "[[button]]\nkey = 'groups'",
        f"[[button]]\nname = '{'长' * 40}'\nkey = 'groups'",
        "[[button]]\nname = 'a'",
        "[[button]]\nname = 'a'\nkey = 'groups'\nsay = 'b'",
        "[[button]]\nname = 'a'\nphoto = false",
        "[[button]]\nname = 'a'\nurl = 'ftp://example.com'",
        f"[[button]]\nname = 'a'\nsay = '{'长' * 50}'",
        "[[button]]\nname = 'a'\nkey = 3",
        "[[button]]\nname = 'a'\n" + "[[button.sub]]\nname = 'b'\nkey = 'groups'\n" * 6,
        'button = ["a"]',
        "[[button]]\nname = 'a'\nsub = ['b']",
        "[[button]]\nname = 'a'\nkey = 'style:nothing_of_that_name'",
        "[[button]]\nname = 'a'\nkey = 'tuesday'",
    ],
)
def test_a_menu_beyond_the_platforms_limits_is_refused_before_it_is_sent(text: str) -> None:
    with pytest.raises(BadMenu):
        read_menu(text)


@pytest.mark.parametrize("key", ["groups", "edits", "anime", "style:anime", "action:retouch", "group:art"])
def test_a_menu_may_lead_to_every_choice_there_is(key: str) -> None:
    menu = read_menu(f"[[button]]\nname = 'a'\nkey = '{key}'")
    assert menu == {"button": [{"name": "a", "type": "click", "key": key}]}


@pytest.mark.parametrize("name", ["WECHAT_ENCODING_AES_KEY", "WECHAT_ENCODING_AES_KEY_PREVIOUS"])
def test_a_key_that_is_none_is_named_and_the_rest_goes_on(
    home: Path, wechat: FakeWeChat, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "too short, and a secret")
    result = run("doctor")
    findings = document(result)["findings"]
    assert result.exit_code == 1
    assert [f["message"] for f in findings if f["verdict"] == "broken"] == [
        f"{name} is not 43 letters and digits; WeChat stays off"
    ]
    assert "a secret" not in result.output


def test_doctor_tells_what_the_account_may_do(home: Path, wechat: FakeWeChat) -> None:
    wechat.rights = frozenset()
    found = {f["name"]: f for f in document(run("doctor"))["findings"]}
    assert found["wechat"]["verdict"] == "ok"
    assert "passive replies only" in found["wechat"]["message"]


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (40125, "WECHAT_APP_SECRET"),
        (40164, "white-list"),
        (40243, "frozen"),
        (40013, "WECHAT_APP_ID"),
        (45009, "quota"),
    ],
)
async def test_what_is_wrong_with_the_account_comes_with_how_to_mend_it(
    tmp_path: Path, wechat: FakeWeChat, code: int, says: str
) -> None:
    wechat.plan("stable_token", errcode=code, times=9)
    async with house(tmp_path, wechat, jobs=False, listening=False) as at:
        (finding,) = (await at.channel.health(ask=True)).findings
    assert finding.verdict == "broken"
    assert says in finding.message


def test_doctor_tells_what_is_wrong_with_the_account(home: Path, wechat: FakeWeChat) -> None:
    wechat.plan("stable_token", errcode=40125, times=9)
    result = run("doctor")
    found = {f["name"]: f for f in document(result)["findings"]}
    assert result.exit_code == 1
    assert found["wechat"]["verdict"] == "broken"
    assert "WECHAT_APP_SECRET" in found["wechat"]["message"]
