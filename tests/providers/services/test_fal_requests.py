"""What goes to fal: endpoints, bodies, prices."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from providers.base import Request
from providers.money import Money
from providers.services.fal.endpoints import enlarged, mask_uri
from providers.services.fal.offers import offers
from providers.services.fal.provider import FalProvider
from providers.task import Operation
from tests.providers.wanted import changed, portrait, wanted
from tests.servers.fal import FakeFal


@pytest.mark.parametrize(
    ("model", "with_photo", "endpoint"),
    [
        ("nano2", False, "fal-ai/nano-banana-2"),
        ("nano2", True, "fal-ai/nano-banana-2/edit"),
        ("nanopro", False, "fal-ai/nano-banana-pro"),
        ("nanopro", True, "fal-ai/nano-banana-pro/edit"),
        ("gpt", False, "openai/gpt-image-2"),
        ("gpt", True, "openai/gpt-image-2/edit"),
    ],
)
async def test_each_model_has_one_endpoint_for_photos_and_one_for_words(
    fal: FakeFal, provider: FalProvider, photo: Path, model: str, with_photo: bool, endpoint: str
) -> None:
    await provider.submit(portrait(model=model, photos=(photo,) if with_photo else ()))
    assert [job.endpoint for job in fal.jobs.values()] == [endpoint]


async def test_a_nano_edit_sends_ratio_count_and_every_photo(
    fal: FakeFal, provider: FalProvider, photo: Path, second_photo: Path
) -> None:
    await provider.submit(portrait(photos=(photo, second_photo), aspect_ratio="9:16", count=3))
    (body,) = fal.bodies
    assert body["prompt"] == "A portrait in oils."
    assert (body["num_images"], body["aspect_ratio"], body["output_format"]) == (3, "9:16", "png")
    assert [url.split(",")[0] for url in body["image_urls"]] == ["data:image/png;base64", "data:image/jpeg;base64"]
    with Image.open(io.BytesIO(base64.b64decode(body["image_urls"][0].split(",")[1]))) as sent:
        assert sent.size == (300, 400)


async def test_without_a_ratio_an_edit_keeps_that_of_the_photo(
    fal: FakeFal, provider: FalProvider, photo: Path
) -> None:
    await provider.submit(portrait(photos=(photo,)))
    await provider.submit(portrait(photos=(photo,), model="gpt"))
    nano, gpt = fal.bodies
    assert "aspect_ratio" not in nano
    assert gpt["image_size"] == "auto"


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        ("1:1", "square_hd"),
        ("3:4", "portrait_4_3"),
        ("4:3", "landscape_4_3"),
        ("9:16", "portrait_16_9"),
        ("16:9", "landscape_16_9"),
        (None, "square_hd"),
    ],
)
async def test_gpt_gets_a_size_and_always_a_quality(
    fal: FakeFal, provider: FalProvider, ratio: str | None, size: str
) -> None:
    await provider.submit(portrait(model="gpt", aspect_ratio=ratio))
    (body,) = fal.bodies
    assert (body["image_size"], body["quality"]) == (size, "high")
    assert "aspect_ratio" not in body


@pytest.mark.parametrize(("scale", "resolution", "kind"), [(2, "2K", "png"), (4, "4K", "jpeg")])
async def test_an_upscale_asks_for_more_pixels(
    fal: FakeFal, provider: FalProvider, photo: Path, scale: int, resolution: str, kind: str
) -> None:
    await provider.submit(upscale(photo, scale, "nanopro"))
    (body,) = fal.bodies
    assert (body["resolution"], body["output_format"]) == (resolution, kind)


async def test_an_upscale_by_gpt_names_the_size_in_pixels(fal: FakeFal, provider: FalProvider, photo: Path) -> None:
    await provider.submit(upscale(photo, 4, "gpt"))
    assert fal.bodies[0]["image_size"] == {"width": 1200, "height": 1600}


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [(300, 400, 2), (4000, 3000, 4), (3000, 4000, 2), (5000, 500, 2), (64, 64, 2), (333, 777, 4), (1536, 864, 4)],
)
def test_an_enlarged_size_is_one_that_gpt_image_takes(width: int, height: int, scale: int) -> None:
    across, down = enlarged(width, height, scale)
    assert across % 16 == down % 16 == 0
    assert max(across, down) <= 3840
    assert 655_360 <= across * down <= 8_294_400
    assert max(across, down) <= 3.1 * min(across, down)


def upscale(photo: Path, scale: int, model: str) -> Request:
    return wanted(
        operation=Operation.UPSCALE, action="upscale", prompt="Sharper.", photos=(photo,), scale=scale, model=model
    )


async def test_a_mask_goes_with_gpt_and_says_the_same_in_both_polarities(
    fal: FakeFal, provider: FalProvider, photo: Path, tmp_path: Path
) -> None:
    mask = Image.new("L", (300, 400), 0)
    mask.paste(255, (0, 0, 150, 400))
    mask.save(tmp_path / "mask.png")
    edit = wanted(
        operation=Operation.INPAINT,
        action="local_edit",
        prompt="A hat.",
        photos=(photo,),
        model="gpt",
        mask=tmp_path / "mask.png",
    )
    await provider.submit(edit)
    assert fal.bodies[0]["mask_url"] == mask_uri(tmp_path / "mask.png")
    with Image.open(io.BytesIO(base64.b64decode(fal.bodies[0]["mask_url"].split(",")[1]))) as sent:
        assert sent.getpixel((10, 10)) == (255, 255, 255, 0)
        assert sent.getpixel((290, 10)) == (0, 0, 0, 255)


def test_a_mask_is_out_of_reach_of_the_nano_models(provider: FalProvider, photo: Path) -> None:
    def reason(model: str) -> str | None:
        edit = wanted(operation=Operation.INPAINT, action="local_edit", photos=(photo,), mask=photo, model=model)
        return provider.offers.reason_not(edit.task)

    assert [reason(model) for model in ("nanopro", "nano2", "gpt")] == ["model", "model", None]


@pytest.mark.parametrize(
    ("model", "with_photo", "scale", "usd"),
    [
        ("nano2", False, None, "0.08"),
        ("nano2", True, 4, "0.16"),
        ("nanopro", True, None, "0.15"),
        ("nanopro", True, 4, "0.30"),
        ("gpt", False, None, "0.211"),
        ("gpt", True, None, "0.219"),
    ],
)
def test_prices_come_from_the_list(photo: Path, model: str, with_photo: bool, scale: int | None, usd: str) -> None:
    request = upscale(photo, scale, model) if scale else portrait(model=model, photos=(photo,) if with_photo else ())
    one, three = (offers().find(changed(request, count=count).task) for count in (1, 3))
    assert one is not None
    assert one == three
    assert one.estimate(request.task).cost == Money.usd(usd)
    assert one.estimate(changed(request, count=3).task).cost == 3 * Money.usd(usd)


def test_every_price_says_where_and_when_it_was_read() -> None:
    for row in offers():
        assert row.price.source, row.model
        assert row.price.as_of is not None, row.model


async def test_the_key_is_sent_as_fal_wants_it_and_shown_nowhere(fal: FakeFal, provider: FalProvider) -> None:
    submission = await provider.submit(portrait())
    assert fal.headers[0]["authorization"] == "Key test-key"
    assert "test-key" not in repr(provider) + repr(submission) + repr(vars(provider))
