"""`/wecom` over HTTP: who is let in, and what the rest is answered."""

import json
from pathlib import Path

import pytest

from bot.channels.wecom.settings import WeComSettings
from tests.bot.wecom.house import house
from tests.servers.wecom import AES_KEY, TOKEN
from tests.servers.wecom_chat import FakeWeCom


async def test_only_what_is_signed_is_opened_and_what_is_signed_is_answered_200(
    wecom: FakeWeCom, tmp_path: Path
) -> None:
    async with house(tmp_path, wecom) as likeness:
        address, callbacks, client = f"{wecom.app}/wecom", wecom.callbacks, wecom.client
        ann = wecom.phone()

        health = await likeness.channel.health(ask=True)
        assert any("never called /wecom" in finding.message for finding in health.findings)
        sealed = callbacks.seal("an echo")
        query = callbacks.query(sealed)
        echo = await client.get(address, params={**query, "echostr": sealed})
        assert (echo.status_code, echo.text) == (200, "an echo")
        health = await likeness.channel.health(ask=True)
        assert not any("never called /wecom" in finding.message for finding in health.findings)

        body = ann.body(**ann.text("帮助"))
        sealed = callbacks.seal(json.dumps(body))
        for wrong in ({}, {**callbacks.query(sealed), "msg_signature": "0" * 40}):
            refused = await client.post(address, params=wrong, json={"encrypt": sealed})
            assert refused.status_code == 403
        assert (await client.post(address, params=query, content=b"no envelope")).status_code == 403
        assert (await client.post(address, params=query, content=b" " * (1 << 20) + b"{}")).status_code == 413

        nobody = {key: value for key, value in body.items() if key != "from"}
        silent = (
            body | {"aibotid": "another"},
            nobody,
            body | {"from": {"userid": "sys"}},
            body | {"chattype": "group"},
            body | {"msgtype": "location", "location": {}},
        )
        for message in silent:
            assert await callbacks.post(client, message) is None
        broken = callbacks.seal("not JSON")
        answer = await client.post(address, params=callbacks.query(broken), json={"encrypt": broken})
        assert (answer.status_code, answer.text) == (200, "")
        assert await likeness.store.jobs() == ()
        assert ann.screen == []


@pytest.mark.parametrize(
    ("given", "mode", "wrong"),
    [
        ({}, None, 0),
        ({"wecom_bot_id": "b"}, None, 0),
        ({"wecom_bot_token": TOKEN, "wecom_bot_aes_key": AES_KEY}, "callback", 0),
        ({"wecom_bot_token": TOKEN}, None, 1),
        ({"wecom_bot_token": TOKEN, "wecom_bot_aes_key": "short"}, None, 1),
        ({"wecom_bot_secret": "s"}, None, 1),
        ({"wecom_bot_id": "b", "wecom_bot_secret": "s"}, "line", 0),
        (
            {"wecom_bot_id": "b", "wecom_bot_secret": "s", "wecom_bot_token": TOKEN, "wecom_bot_aes_key": AES_KEY},
            "line",
            0,
        ),
    ],
)
def test_the_mode_follows_from_what_is_set(given: dict[str, str], mode: str | None, wrong: int) -> None:
    settings = WeComSettings.model_validate(given)
    assert settings.mode == mode
    assert len(settings.what_is_wrong()) == wrong
    if len(given) == 4:
        assert any("WECOM_BOT_TOKEN" in sentence for sentence in settings.what_is_missed())
