"""Feed every parser of outside bytes with broken input, and say what it did not stand.

python -m bench.fuzz [--seconds 60] [--only NAME,…] [--seed N] [--atheris NAME]

Each target has seeds (whole, valid input) and the errors it may raise; anything else is a finding, and its input is
written to a file. Input is made of the seeds by changing, cutting, doubling and splicing bytes, half of the time at
places where formats keep lengths. A call that takes more than `SLOW` seconds of processor is a finding, too.
With --atheris (where it is installed: pip install atheris) one target is run by coverage instead, from the same seeds.
"""

import argparse
import asyncio
import contextlib
import hashlib
import importlib
import io
import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from telegram import Bot

from bot.channels.telegram.inbound.lenient_json import update_from
from bot.channels.web.cookies import COOKIE, Sessions
from bot.channels.web.uploads import Limits, Refused, read_post
from bot.channels.wechat.crypto import BadSignature, Envelope
from bot.channels.wechat.crypto import Malformed as WechatMalformed
from bot.channels.wechat.events import read_event
from bot.channels.wecom import envelope as wecom
from bot.channels.wecom.incoming import read as read_wecom
from intent import parse
from providers.media import containers, density, integrity, labels, structure_limits, xmp
from providers.media.decode import Undecodable, decode, inspect
from providers.media.strip import Malformed, stripped
from providers.moderation.words import offence_in
from providers.net.connection import Connection

SLOW = 5.0
"""Seconds of processor for one input: seeds are small, so nothing honest takes as long."""
LONGEST = 1 << 16
Entry = Callable[[bytes], object]


@dataclass(frozen=True, kw_only=True)
class Target:
    run: Entry
    seeds: Sequence[bytes]
    allowed: tuple[type[BaseException], ...] = ()


def picture(kind: str, **options: Any) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (24, 32, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def labelled(data: bytes) -> bytes:
    label = labels.Label(
        source=labels.SourceType.GENERATED, produce_id="1b4e28ba-2fa1-11d2-883f-0016d3cca427", created=datetime.now(UTC)
    )
    return labels.labelled(data, label)


# --- targets


def structure(kind: str) -> Entry:
    def run(data: bytes) -> None:
        structure_limits.too_many_pieces(data, kind)
        density.density_of(data)
        containers.sniff(data)
        if kind == "JPEG":
            integrity.jpeg_is_sound(data)
            structure_limits.jpeg_scans(data)
        if kind == "PNG":
            integrity.png_is_sound(data)
            containers.whole_png(data)
            containers.beside_pixels(data)
        if kind == "WEBP":
            containers.webp_size(data)
        stripped(data, kind)

    return run


def in_containers(data: bytes) -> None:
    containers.picture_in_icon(data)
    containers.boxes_missing(data)
    for kind in ("GIF", "TIFF"):
        structure_limits.too_many_pieces(data, kind)


def packets(data: bytes) -> None:
    labels.read_label(data)
    labels.foreign_packet(data)
    labels.carried_over(data, data)
    xmp.read_packet(data)


def decoding(data: bytes) -> None:
    inspect(data)
    decode(data, max_side=64)


def http_answer(data: bytes) -> None:
    """In pieces, as a network brings them; every fault has to end up in the connection, not here."""
    loop = asyncio.new_event_loop()
    try:
        connection = Connection(loop)
        connection._busy = True
        step = 1 + data[0] % 97 if data else 1
        for at in range(0, len(data), step):
            connection.data_received(data[at : at + step])
        connection.eof_received()
        connection.connection_lost(None)
    finally:
        loop.close()


def multipart(data: bytes) -> None:
    async def post() -> None:
        pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)] or [b""]

        async def receive() -> Any:
            body = pieces.pop(0) if pieces else b""
            return {"type": "http.request", "body": body, "more_body": bool(pieces)}

        headers = [(b"content-type", b"multipart/form-data; boundary=xyz")]
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
        with tempfile.TemporaryDirectory() as folder:
            posted = await read_post(Request(scope, receive), Path(folder), Limits())
            posted.discard()

    asyncio.run(post())


SESSIONS = Sessions(secret=b"s" * 32)
ENVELOPE = Envelope(token="t", app_id="wx1", keys=("A" * 43,))  # noqa: S106 - made up
WECOM = wecom.Envelope(token="t", aes_key="A" * 43)  # noqa: S106
BOT = Bot("1:x")


def signed(data: bytes) -> None:
    text = data.decode("latin-1")
    headers = [(b"cookie", f"{COOKIE}={text}".encode("latin-1"))]
    SESSIONS.person(HTTPConnection({"type": "http", "headers": headers}))
    SESSIONS.sealed(text, "entry", 1, 0)
    query = {"signature": text, "msg_signature": text, "timestamp": "1", "nonce": text}
    with contextlib.suppress(BadSignature):
        ENVELOPE.check(query)
    ENVELOPE.open(text, query)


def signed_wecom(data: bytes) -> None:
    """The right signature over whatever is inside."""
    sealed = wecom.sealed_in(data)
    query = {"timestamp": "1", "nonce": "n", "msg_signature": WECOM._signature("1", "n", sealed)}
    WECOM.open(sealed, query)


def wecom_json(data: bytes) -> None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    read_wecom(value, bot_id="b", bot_name="Bot", named=True)


def telegram_json(data: bytes) -> None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict):
        update_from(value, BOT)


def words(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    parse(text, photos=1)
    offence_in(text, photos=1)


XML = (
    "<xml><ToUserName><![CDATA[a]]></ToUserName><FromUserName><![CDATA[o]]></FromUserName><CreateTime>1</CreateTime>"
    "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[动漫]]></Content><MsgId>1</MsgId></xml>"
).encode()
UPDATE = {
    "update_id": 1,
    "message": {
        "message_id": 2,
        "date": 3,
        "chat": {"id": 4, "type": "private"},
        "from": {"id": 4, "is_bot": False, "first_name": "A"},
        "photo": [{"file_id": "f", "file_unique_id": "u", "width": 9, "height": 9}],
        "caption": "anime",
    },
}
WECOM_MESSAGE = {
    "msgid": "m",
    "aibotid": "b",
    "chattype": "single",
    "from": {"userid": "u"},
    "msgtype": "mixed",
    "mixed": {"msg_item": [{"msgtype": "text", "text": {"content": "x"}}, {"msgtype": "image", "image": {"url": "u"}}]},
}
FORM = (
    b'--xyz\r\nContent-Disposition: form-data; name="text"\r\n\r\nhello\r\n--xyz\r\n'
    b'Content-Disposition: form-data; name="photos"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    b"\xff\xd8\xff\r\n--xyz--\r\n"
)
ANSWERS = (
    b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: application/json\r\n\r\n{"a":1',
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Slow\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n",
)
OFTEN_BROKEN = (Malformed, Undecodable)


def targets() -> dict[str, Target]:
    files = {kind: [picture(kind), labelled(picture(kind))] for kind in ("JPEG", "PNG", "WEBP")}
    files["JPEG"].append(picture("JPEG", progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"))
    files["WEBP"].append(picture("WEBP", lossless=True))
    others = [picture(kind) for kind in ("GIF", "TIFF", "BMP", "ICO")]
    every = [data for some in files.values() for data in some]
    return {
        **{
            kind.lower(): Target(run=structure(kind), seeds=seeds, allowed=(Malformed,))
            for kind, seeds in files.items()
        },
        "containers": Target(run=in_containers, seeds=[*others, *every]),
        "xmp": Target(run=packets, seeds=every, allowed=(Malformed,)),
        "decode": Target(run=decoding, seeds=[*every, *others], allowed=OFTEN_BROKEN),
        "http": Target(run=http_answer, seeds=ANSWERS),
        "multipart": Target(run=multipart, seeds=[FORM], allowed=(Refused, ClientDisconnect)),
        "xml": Target(run=lambda d: read_event(d.decode("utf-8", "replace")), seeds=[XML], allowed=(WechatMalformed,)),
        "signed": Target(run=signed, seeds=[b"a.b", XML], allowed=(BadSignature, WechatMalformed)),
        "wecom-envelope": Target(
            run=signed_wecom,
            seeds=[json.dumps({"encrypt": "YWJj" * 16}).encode()],
            allowed=(wecom.Malformed, wecom.BadSignature),
        ),
        "wecom": Target(run=wecom_json, seeds=[json.dumps(WECOM_MESSAGE).encode()]),
        "telegram": Target(run=telegram_json, seeds=[json.dumps(UPDATE).encode()]),
        "words": Target(run=words, seeds=[b"anime style, 2 of them", "把背景换成海边，加字“你好”".encode()]),
    }


# --- making input


INTERESTING = (b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\r\n", b"--xyz")
INTERESTING += (b"\x7f\xff\xff\xff", b"IEND", b"\xff\xd9", b'"', b"{", b"[" * 200, b"null", b"1e999", b"\xed\xa0\x80")
INTERESTING += (b"<!", b"<![CDATA[", b"]]>", b"&#0;", b"0" * 40, b"%00", b"../")


def broken(seeds: Sequence[bytes], dice: random.Random) -> bytes:
    data = bytearray(dice.choice(seeds))
    for _ in range(1 << dice.randrange(5)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(7):
            case 0 if data:
                data[at % len(data)] = dice.randrange(256)
            case 1:
                data[at:at] = dice.choice(INTERESTING)
            case 2:
                word = dice.choice(INTERESTING)
                data[at : at + len(word)] = word
            case 3:
                del data[at : at + (1 << dice.randrange(8))]
            case 4:
                data[at:at] = data[at : at + (1 << dice.randrange(10))]
            case 5:
                other = dice.choice(seeds)
                cut = dice.randrange(len(other) + 1)
                data[at:] = other[cut:]
            case _:
                data = data[:at]
        data = data[:LONGEST]
    return bytes(data)


def tried(target: Target, data: bytes) -> str | None:
    """What went wrong, by its kind and place; None where all was well."""
    begun = time.process_time()
    try:
        target.run(data)
    except target.allowed:
        pass
    except Exception as error:
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "nowhere"
        return f"{type(error).__name__} at {place}"
    took = time.process_time() - begun
    return f"slow: {took:.1f} s" if took > SLOW else None


def fuzz(name: str, target: Target, *, seconds: float, seed: int, into: Path) -> tuple[int, dict[str, int]]:
    dice = random.Random(f"{seed}:{name}")
    found: dict[str, int] = {}
    n, end = 0, time.monotonic() + seconds
    for data in target.seeds:
        if (wrong := tried(target, data)) is not None and not wrong.startswith("slow"):
            found[f"a whole seed: {wrong}"] = 1
    while time.monotonic() < end:
        n += 1
        data = broken(target.seeds, dice)
        if (wrong := tried(target, data)) is not None:
            if wrong not in found:
                into.mkdir(parents=True, exist_ok=True)
                (into / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}.bin").write_bytes(data)
            found[wrong] = found.get(wrong, 0) + 1
    return n, found


def by_coverage(name: str, *, seconds: float, into: Path) -> None:
    """For so many seconds; says its counts at the end, and stops at a finding with its input in `into`.

    Our packages are loaded anew, so that coverage is counted in them; all that they stand on would take minutes.
    """
    import atheris  # type: ignore[import-not-found]

    ours = ("bot", "handlers", "intent", "providers")
    for module in [module for module in sys.modules if module.partition(".")[0] in ours]:
        del sys.modules[module]
    with atheris.instrument_imports(include=list(ours)):
        target = importlib.import_module("bench.fuzz").targets()[name]

    def one(data: bytes) -> None:
        if (wrong := tried(target, data)) is not None:
            raise RuntimeError(wrong)

    corpus = Path(tempfile.mkdtemp())
    for n, seed in enumerate(target.seeds):
        (corpus / str(n)).write_bytes(seed)
    into.mkdir(parents=True, exist_ok=True)
    limits = (f"-max_len={LONGEST}", f"-max_total_time={int(seconds)}", "-print_final_stats=1")
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={into}/", str(corpus)], one)
    atheris.Fuzz()


def main() -> None:
    logging.disable()  # what libraries say of broken input
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--only", default="")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--atheris", default="")
    options.add_argument("--into", type=Path, default=Path(tempfile.gettempdir()) / "likeness-fuzz")
    given = options.parse_args()
    known = targets()
    if given.atheris:
        by_coverage(given.atheris, seconds=given.seconds, into=given.into)
    total = 0
    for name in given.only.split(",") if given.only else known:
        n, found = fuzz(name, known[name], seconds=given.seconds, seed=given.seed, into=given.into)
        total += len(found)
        print(f"{name:16} {n:8} inputs  {'; '.join(f'{k} x{v}' for k, v in found.items()) or 'nothing'}", flush=True)
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
