"""Bodies with pictures in them: the same bytes as if all were in memory, without its being there."""

import base64
import json
import tracemalloc
from pathlib import Path

import httpx
import pytest

from providers.net import direct
from providers.net.bodies import PIECE, Base64File, FormFile, JsonBody, form
from tests.servers.letterbox import Letterbox


async def sent(body: JsonBody) -> bytes:
    return b"".join([piece async for piece in body])


@pytest.mark.parametrize("size", [0, 1, 2, 3, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 2])
async def test_a_file_stands_in_the_json_as_base64(tmp_path: Path, size: int) -> None:
    file = tmp_path / "photo"
    file.write_bytes(bytes(n % 251 for n in range(size)))
    url = Base64File(path=file, prefix="data:image/png;base64,")
    body = JsonBody({"prompt": 'a "boat" \U0001f6a4', "images": [{"image_url": url}, Base64File(path=file)], "n": 1})
    raw = await sent(body)
    text = base64.b64encode(file.read_bytes()).decode()
    images = [{"image_url": f"data:image/png;base64,{text}"}, text]
    assert json.loads(raw) == {"prompt": 'a "boat" \U0001f6a4', "images": images, "n": 1}
    assert len(raw) == body.length


async def test_a_body_may_be_sent_again(tmp_path: Path) -> None:
    file = tmp_path / "photo"
    file.write_bytes(b"123")
    body = JsonBody({"image": Base64File(path=file)})
    assert await sent(body) == await sent(body) == b'{"image": "MTIz"}'


def test_what_is_no_json_and_what_is_no_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        JsonBody({"image": tmp_path})
    with pytest.raises(FileNotFoundError):
        JsonBody({"image": Base64File(path=tmp_path / "none")})


async def test_twenty_megabytes_pass_in_pieces(tmp_path: Path) -> None:
    file = tmp_path / "photo"
    file.write_bytes(b"\x7f" * 20_000_000)
    tracemalloc.start()
    try:
        length = 0
        async for piece in JsonBody({"image": Base64File(path=file)}):
            length += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert length > 26_000_000
    assert peak < 2_000_000


async def test_both_kinds_arrive_whole_over_our_transport(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89" * 700_001)
    limits = httpx.Limits()
    with Letterbox.serving() as box:
        async with httpx.AsyncClient(transport=direct(limits=limits)) as client:
            body = JsonBody({"image": Base64File(path=photo)})
            await client.post(box.url, content=body, headers=body.headers)
            file = FormFile(name="image", filename="photo.png", type="image/png", data=photo)
            with form({"prompt": "a boat"}, [file]) as parts:
                await client.post(box.url, files=parts)
            with form({"prompt": "alone"}) as parts:
                await client.post(box.url, files=parts)
    first, second, third = box.sent
    assert base64.b64decode(first.fields["image"]) == photo.read_bytes()
    assert first.headers["content-length"] == str(body.length)
    assert "transfer-encoding" not in first.headers
    assert second.files["image"][0].data == photo.read_bytes()
    assert (second.files["image"][0].filename, second.files["image"][0].type) == ("photo.png", "image/png")
    assert (third.multipart, dict(third.fields)) == (True, {"prompt": "alone"})
