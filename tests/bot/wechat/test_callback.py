"""`/wechat` from outside: who may speak to it, and what it answers to everything else."""

import asyncio
import logging
from pathlib import Path

import httpx
import pytest

from handlers.message import Chat, Kind, Outgoing
from providers.net.certificates import trusted
from tests.bot.wechat.house import House, beside, house, photo, text_of
from tests.servers.wechat import AES_KEY, APP_ID, TOKEN, UNVERIFIED, FakeWeChat, encrypt, sign
from tests.waiting import LONG

OLD_KEY = "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210abcdefg"


async def posted(likeness: House, xml: str, **how: str) -> httpx.Response:
    ann = likeness.phone()
    async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=LONG) as client:
        return await client.post(**ann.request(xml, **how))


async def test_the_console_is_answered_with_its_own_word(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        now = str(int(wechat.clock()))
        query = f"timestamp={now}&nonce=7&echostr=5151515151&signature={sign(TOKEN, now, '7')}"
        answer = await likeness.get(f"{likeness.address}/wechat?{query}")
        assert (answer.status_code, answer.text) == (200, "5151515151")
        assert answer.headers["content-type"].startswith("text/plain")


async def test_the_word_is_not_said_to_who_does_not_know_the_token(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        now = str(int(wechat.clock()))
        for signature in (sign("another", now, "7"), "", "é" * 40):
            params = {"timestamp": now, "nonce": "7", "echostr": "<b>hello</b>", "signature": signature}
            async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=LONG) as client:
                answer = await client.get(f"{likeness.address}/wechat", params=params)
            assert answer.status_code == 403
            assert "hello" not in answer.text


@pytest.mark.parametrize("off", [-3600, 3600])
async def test_a_timestamp_outside_the_window_is_refused(tmp_path: Path, wechat: FakeWeChat, off: int) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        answer = await posted(likeness, likeness.phone().text_xml("你好"), timestamp=str(int(wechat.clock()) + off))
        assert answer.status_code == 400


async def test_an_overheard_signature_carries_no_other_message(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        said = ann.text_xml("你好")
        how = {"nonce": "424242", "timestamp": str(int(wechat.clock()))}
        first = await posted(likeness, said, **how)
        again = await posted(likeness, said, **how)
        assert first.status_code == again.status_code == 200
        assert first.text == again.text
        assert (await posted(likeness, ann.text_xml("忘记我"), **how)).status_code == 400


async def test_an_overheard_signature_carries_no_other_message_to_another_process(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat) as likeness:
        request = likeness.phone().request(likeness.phone().text_xml("你好"))
        async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=LONG) as client:
            assert (await client.post(**request)).status_code == 200
    async with house(tmp_path, wechat) as likeness:
        forged = likeness.phone("bob").text_xml("画一座暴风雨里的灯塔").encode()
        async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=LONG) as client:
            url = f"{wechat.app}/wechat"
            assert (await client.post(**{**request, "url": url, "content": forged})).status_code == 400
            assert (await client.post(**{**request, "url": url})).status_code == 200, "its own repeat passes"
        assert not await likeness.jobs()
        likeness.later(minutes=11)
        await likeness.channel.sweep()
        query = request["params"]
        assert await likeness.store.value("wechat.nonce", f"{int(query['timestamp']):012d}.{query['nonce']}") is None


async def test_after_a_key_change_the_old_key_still_opens_and_answers(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.mode, wechat.key = "safe", OLD_KEY
    async with house(tmp_path, wechat, jobs=False, keys=(AES_KEY, OLD_KEY)) as likeness:
        assert "你好" in text_of(await likeness.phone().types("你好"))
        wechat.key = AES_KEY
        assert text_of(await likeness.phone().types("你好"))
        assert likeness.phone().broken == 0


def sealed(app_id: str = APP_ID, key: str = AES_KEY, xml: str = "<xml></xml>") -> str:
    return encrypt(xml, key, app_id)


@pytest.mark.parametrize(
    ("body", "encrypted"),
    [
        ("", False),
        ("not xml at all", False),
        ("<xml><ToUserName>", False),
        ("<html><body>hi</body></html>", False),
        ("<xml>words</xml>", False),
        ("<xml><MsgType>text</MsgType></xml>", False),
        ("<xml><MsgType><![CDATA[text]]></MsgType><MsgType>image</MsgType></xml>", False),
        ('<!DOCTYPE x [<!ENTITY a "b">]><xml><MsgType>&a;</MsgType></xml>', False),
        (
            "<xml><MsgType>event</MsgType><Event>CLICK</Event><ToUserName>gh</ToUserName>"
            "<FromUserName>o</FromUserName><CreateTime>\u0663</CreateTime></xml>",
            False,
        ),
        ("<xml>" + "<a>" * 20_000 + "</a>" * 20_000 + "</xml>", False),
        ("{}", True),
        ("<xml><ToUserName>x</ToUserName></xml>", True),
        ("<xml><Encrypt>????</Encrypt></xml>", True),
        ("<xml><Encrypt></Encrypt></xml>", True),
        (f"<xml><Encrypt>{sealed(app_id='wxother')}</Encrypt></xml>", True),
        (f"<xml><Encrypt>{sealed(key=OLD_KEY)}</Encrypt></xml>", True),
        (f"<xml><Encrypt>{sealed(xml='junk')}</Encrypt></xml>", True),
        (f"<xml><Encrypt>{sealed()[:24]}</Encrypt></xml>", True),
    ],
    # Encryption is salted: without names of their own the cases would be called differently in every process.
    ids=lambda value: None if isinstance(value, bool) else "body",
)
async def test_what_is_malformed_is_400_and_one_line(
    tmp_path: Path, wechat: FakeWeChat, body: str, encrypted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        request = likeness.phone().request(body)
        if encrypted:
            query = request["params"]
            inside = body.partition("<Encrypt>")[2].partition("</Encrypt>")[0]
            query |= {
                "encrypt_type": "aes",
                "msg_signature": sign(TOKEN, query["timestamp"], query["nonce"], inside),
            }
        with caplog.at_level(logging.WARNING):
            caplog.clear()
            async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=LONG) as client:
                answer = await client.post(**request)
        assert answer.status_code == 400
        assert answer.text == ""
        assert len(caplog.records) == 1


async def test_a_wrong_message_signature_is_refused(tmp_path: Path, wechat: FakeWeChat) -> None:
    wechat.mode = "safe"
    async with house(tmp_path, wechat, jobs=False) as likeness:
        request = likeness.phone().request(likeness.phone().text_xml("你好"))
        request["params"]["msg_signature"] = "0" * 40
        async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=LONG) as client:
            assert (await client.post(**request)).status_code == 403


async def test_a_body_that_is_too_large_is_not_parsed(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        answer = await posted(likeness, f"<xml><a>{'x' * 2_000_000}</a></xml>")
        assert answer.status_code == 400


async def test_bytes_that_are_no_text_are_malformed(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        request = likeness.phone().request("") | {"content": b"\xff\xfe\x00<xml>"}
        async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=LONG) as client:
            assert (await client.post(**request)).status_code == 400


@pytest.mark.parametrize("mode", ["plain", "safe"])
async def test_words_of_people_stay_inside_their_section(tmp_path: Path, wechat: FakeWeChat, mode: str) -> None:
    wechat.mode = mode
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        attack = "画 一座灯塔]]></Content><MsgType><![CDATA[image]]></MsgType><Content><![CDATA[\x01\ufffe"
        shown = await ann.types(attack.replace("\x01\ufffe", ""))
        assert shown is not None
        assert shown.kind == "text"
        assert ann.broken == 0


@pytest.mark.parametrize("mode", ["plain", "safe"])
async def test_one_message_delivered_many_times_at_once_is_one_job_with_one_answer(
    tmp_path: Path, wechat: FakeWeChat, mode: str
) -> None:
    wechat.mode = mode
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        await ann.sends(photo())
        xml = ann.text_xml("动漫风格")
        ann.opens("message")
        answers = await asyncio.gather(*(posted(likeness, xml) for _ in range(6)))
        shown = {seen.text for a in answers if (seen := ann.reads(a.status_code, a.text))}
        assert len(shown) == 1
        await likeness.channel.idle()
        assert len(await likeness.jobs()) == 1


async def test_a_message_repeated_after_a_restart_gets_the_same_answer(tmp_path: Path, wechat: FakeWeChat) -> None:
    async with house(tmp_path, wechat) as likeness:
        ann = likeness.phone()
        await ann.sends(photo())
        xml = ann.text_xml("动漫风格")
        first = ann.reads(200, (await posted(likeness, xml)).text)
        await likeness.settled()
    async with house(tmp_path, wechat) as likeness:
        again = likeness.phone().reads(200, (await posted(likeness, xml)).text)
        await likeness.settled()
        assert text_of(first) == text_of(again)
        assert len(await likeness.jobs()) == 1
        assert len(likeness.phone().pictures) == 1


@pytest.mark.parametrize("rights", [frozenset({"media"}), UNVERIFIED])
async def test_a_message_repeated_after_its_result_was_made_gets_the_same_answer_and_takes_nothing_with_it(
    tmp_path: Path, wechat: FakeWeChat, rights: frozenset[str]
) -> None:
    wechat.rights = rights
    async with house(tmp_path, wechat) as likeness:
        ann = likeness.phone()
        await ann.sends(photo())
        xml = ann.text_xml("动漫风格")
        first = ann.reads(200, (await posted(likeness, xml)).text)
        await likeness.all_ended()
        await likeness.settled()
    async with house(tmp_path, wechat) as likeness:
        likeness.later(seconds=5)
        ann = likeness.phone()
        again = ann.reads(200, (await posted(likeness, xml)).text)
        assert text_of(first) == text_of(again)
        shown = await ann.types("1")
        assert shown is not None
        assert shown.kind in ("image", "news")


async def test_a_message_repeated_to_another_process_after_its_result_was_sent_opens_no_second_budget(
    tmp_path: Path, wechat: FakeWeChat
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness, beside(likeness) as (_, other):
        ann = likeness.phone()
        await ann.sends(photo())
        ann.opens("message")
        xml = ann.text_xml("动漫风格，四张")
        await posted(likeness, xml)
        await likeness.makes(ann, 4)
        assert len(ann.messages) == 5
        likeness.later(seconds=5)
        async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=LONG) as client:
            await client.post(**{**ann.request(xml), "url": f"{other}/wechat"})
        await likeness.channel.say(
            Chat(channel="wechat", chat=ann.openid, person=ann.openid),
            Outgoing(id="note", kind=Kind.TEXT, text="还有一句", language="zh"),
        )
        assert not wechat.refused
        assert len(ann.messages) == 5


async def test_the_log_holds_no_words_and_no_secrets(
    tmp_path: Path, wechat: FakeWeChat, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path, wechat, jobs=False) as likeness:
        ann = likeness.phone()
        with caplog.at_level(logging.DEBUG):
            await ann.types("把我变成秘密花园里的公主")
            await posted(likeness, "<xml>秘密</xml>")
            await likeness.channel.idle()
        ours = [r.getMessage() for r in caplog.records if r.name.startswith(("bot", "handlers", "providers"))]
        assert not [line for line in ours if "秘密" in line or ann.openid in line or (wechat.token or "-none-") in line]
