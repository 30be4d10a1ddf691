"""What goes to fal: endpoints, bodies, prices."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from providers.base import Request
from providers.errors import AskPerson
from providers.money import Money
from providers.services.fal.bodies import BODIES, both_ways
from providers.services.fal.offers import offers
from providers.services.fal.provider import FalProvider
from providers.task import Consistency, Operation, Outpaint, Parameters, Task
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


@pytest.mark.parametrize(
    ("level", "scale", "endpoint", "fields"),
    [
        ("nanopro", 2, "fal-ai/esrgan", {"scale": 2, "model": "RealESRGAN_x2plus"}),
        ("nano2", 4, "fal-ai/esrgan", {"scale": 4, "model": "RealESRGAN_x4plus"}),
        ("gpt", 4, "fal-ai/seedvr/upscale/image", {"upscale_mode": "factor", "upscale_factor": 4}),
        ("fal/fal-ai/aura-sr", 4, "fal-ai/aura-sr", {"upscale_factor": 4}),
        ("fal/fal-ai/clarity-upscaler", 2, "fal-ai/clarity-upscaler", {"upscale_factor": 2}),
    ],
)
async def test_an_upscale_goes_to_a_model_made_for_it_and_has_so_many_times_the_pixels(
    fal: FakeFal,
    provider: FalProvider,
    photo: Path,
    tmp_path: Path,
    level: str,
    scale: int,
    endpoint: str,
    fields: dict[str, object],
) -> None:
    submission = await provider.submit(upscale(photo, scale, level))
    assert [job.endpoint for job in fal.jobs.values()] == [endpoint] == [submission.model]
    assert {name: fal.bodies[0][name] for name in fields} == fields
    assert "prompt" not in fal.bodies[0]
    (picture,) = (await provider.fetch(submission, tmp_path / "out")).pictures
    assert (picture.width, picture.height, picture.model) == (300 * scale, 400 * scale, endpoint)


async def test_a_picture_that_would_become_too_large_is_refused_before_anything_is_paid(
    fal: FakeFal, provider: FalProvider, tmp_path: Path
) -> None:
    Image.new("L", (9000, 6000)).save(tmp_path / "large.png")
    with pytest.raises(AskPerson) as caught:
        await provider.submit(upscale(tmp_path / "large.png", 4, "nanopro"))
    assert (caught.value.code, fal.submits) == ("photo_too_many_pixels", 0)


def upscale(photo: Path, scale: int, model: str) -> Request:
    return wanted(operation=Operation.UPSCALE, action="upscale", photos=(photo,), scale=scale, model=model)


def drawn(folder: Path) -> Path:
    """A mask whose left half is to change."""
    mask = Image.new("L", (300, 400), 0)
    mask.paste(255, (0, 0, 150, 400))
    mask.save(folder / "mask.png")
    return folder / "mask.png"


def inside(uri: str) -> Image.Image:
    with Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))) as sent:
        sent.load()
        return sent


@pytest.mark.parametrize(
    ("level", "endpoint"),
    [("nanopro", "fal-ai/flux-pro/v1/fill"), ("nano2", "fal-ai/qwen-image-edit/inpaint")],
)
async def test_an_inpaint_sends_a_mask_whose_white_is_to_change(
    fal: FakeFal, provider: FalProvider, photo: Path, tmp_path: Path, level: str, endpoint: str
) -> None:
    edit = wanted(
        operation=Operation.INPAINT, action="local_edit", prompt="A hat.", photos=(photo,), mask=drawn(tmp_path),
        model=level, seed=7,
    )  # fmt: skip
    submission = await provider.submit(edit)
    (body,) = fal.bodies
    assert (submission.model, body["prompt"], body["seed"]) == (endpoint, "A hat.", 7)
    mask = inside(body["mask_url"])
    assert (mask.mode, mask.size, mask.getpixel((10, 10)), mask.getpixel((290, 10))) == ("L", (300, 400), 255, 0)


async def test_a_mask_for_gpt_says_the_same_in_both_polarities(
    fal: FakeFal, provider: FalProvider, photo: Path, tmp_path: Path
) -> None:
    mask = drawn(tmp_path)
    edit = wanted(operation=Operation.INPAINT, action="local_edit", photos=(photo,), model="gpt", mask=mask)
    await provider.submit(edit)
    assert fal.bodies[0]["mask_url"] == both_ways(mask)
    sent = inside(fal.bodies[0]["mask_url"])
    assert (sent.getpixel((10, 10)), sent.getpixel((290, 10))) == ((255, 255, 255, 0), (0, 0, 0, 255))


async def test_somebody_marked_is_taken_out_without_words(
    fal: FakeFal, provider: FalProvider, photo: Path, tmp_path: Path
) -> None:
    edit = wanted(operation=Operation.INPAINT, action="remove_person", photos=(photo,), mask=drawn(tmp_path))
    submission = await provider.submit(edit)
    assert submission.model == "fal-ai/bria/eraser"
    assert set(fal.bodies[0]) == {"image_url", "mask_url", "mask_type"}


async def test_an_outpaint_names_the_canvas_and_where_the_photo_lies_on_it(
    fal: FakeFal, provider: FalProvider, photo: Path, tmp_path: Path
) -> None:
    wide = wanted(
        operation=Operation.OUTPAINT, action="extend", photos=(photo,), text="a beach",
        outpaint=Outpaint(left=100, bottom=50),
    )  # fmt: skip
    submission = await provider.submit(wide)
    (body,) = fal.bodies
    assert submission.model == "fal-ai/bria/expand"
    assert (body["canvas_size"], body["original_image_size"], body["original_image_location"], body["prompt"]) == (
        [400, 450], [300, 400], [100, 0], "a beach",
    )  # fmt: skip
    (picture,) = (await provider.fetch(submission, tmp_path / "out")).pictures
    assert (picture.width, picture.height) == (400, 450)


async def test_a_canvas_too_large_for_the_model_is_scaled_with_the_photo_on_it(
    fal: FakeFal, provider: FalProvider, tmp_path: Path
) -> None:
    Image.new("RGB", (4000, 3000)).save(tmp_path / "large.jpg")
    await provider.submit(
        wanted(
            operation=Operation.OUTPAINT,
            action="extend",
            photos=(tmp_path / "large.jpg",),
            outpaint=Outpaint(left=2000, right=2000),
        )
    )
    (body,) = fal.bodies
    assert max(body["canvas_size"]) < 5000
    assert body["original_image_size"] == [2496, 1872]
    assert body["original_image_location"] == [1248, 0]


async def test_a_draft_of_an_outpaint_says_all_four_sides_and_farther_ones_go_elsewhere(
    fal: FakeFal, provider: FalProvider, photo: Path
) -> None:
    for left in (100, 900):
        await provider.submit(
            wanted(
                operation=Operation.OUTPAINT,
                action="extend",
                photos=(photo,),
                model="nano2",
                outpaint=Outpaint(left=left),
            )
        )
    app, expand = fal.bodies
    assert {name: app[name] for name in app if name.startswith(("expand", "zoom"))} == {
        "expand_left": 100, "expand_right": 0, "expand_top": 0, "expand_bottom": 0, "zoom_out_percentage": 0,
    }  # fmt: skip
    assert expand["canvas_size"] == [1200, 400]


@pytest.mark.parametrize(
    ("level", "endpoint"),
    [
        ("nanopro", "fal-ai/flux-1/dev/redux"),
        ("nano2", "fal-ai/flux/schnell/redux"),
        ("gpt", "openai/gpt-image-2/edit"),
    ],
)
async def test_variations_come_from_the_photo_in_its_own_shape(
    fal: FakeFal, provider: FalProvider, photo: Path, level: str, endpoint: str
) -> None:
    wish = wanted(operation=Operation.VARIATIONS, action="variations", photos=(photo,), count=3, model=level)
    assert (await provider.submit(wish)).model == endpoint
    assert fal.bodies[0]["num_images"] == 3
    assert fal.bodies[0]["image_size"] == ("auto" if level == "gpt" else "portrait_4_3")


async def test_variations_of_a_face_that_must_stay_are_edits(fal: FakeFal, provider: FalProvider, photo: Path) -> None:
    wish = wanted(operation=Operation.VARIATIONS, action="variations", photos=(photo,), consistency=Consistency.STRICT)
    assert (await provider.submit(wish)).model == "fal-ai/nano-banana-pro/edit"


@pytest.mark.parametrize(
    ("level", "fields"),
    [("nanopro", ("image_url", "style_reference_image_url")), ("gpt", ("image_urls",))],
)
async def test_a_style_transfer_sends_both_pictures(
    fal: FakeFal, provider: FalProvider, photo: Path, second_photo: Path, level: str, fields: tuple[str, ...]
) -> None:
    wish = wanted(
        operation=Operation.STYLE_TRANSFER, action="transfer_style", photos=(photo, second_photo), model=level
    )
    await provider.submit(wish)
    sent = [fal.bodies[0][name] for name in fields]
    uris = sent[0] if isinstance(sent[0], list) else sent
    assert [inside(uri).size for uri in uris] == [(300, 400), (320, 320)]


async def test_a_background_is_removed_by_a_model_for_it_and_replaced_by_words_or_by_a_picture(
    fal: FakeFal, provider: FalProvider, photo: Path, second_photo: Path
) -> None:
    away = wanted(operation=Operation.REMOVE_BACKGROUND, action="replace_bg", photos=(photo,))
    assert (await provider.submit(away)).model == "fal-ai/birefnet/v2"
    for photos, text in (((photo,), "a beach"), ((photo,), ""), ((photo, second_photo), "")):
        await provider.submit(
            wanted(operation=Operation.REPLACE_BACKGROUND, action="replace_bg", photos=photos, text=text)
        )
    _, words, none, picture = fal.bodies
    assert words["prompt"] == "a beach"
    assert "white" in none["prompt"]
    assert "prompt" not in picture
    assert inside(picture["ref_image_url"]).size == (320, 320)


@pytest.mark.parametrize(
    ("level", "photos", "endpoint", "field"),
    [
        ("nanopro", 1, "fal-ai/flux-pulid", "reference_image_url"),
        ("nanopro", 3, "fal-ai/pulid", "reference_images"),
        ("nano2", 1, "fal-ai/ip-adapter-face-id", "face_image_url"),
        ("gpt", 2, "openai/gpt-image-2/edit", "image_urls"),
        ("nanopro", 5, "fal-ai/nano-banana-pro/edit", "image_urls"),
    ],
)
async def test_strictly_the_same_face_is_held_by_an_adapter_or_by_reference(
    fal: FakeFal, provider: FalProvider, photo: Path, tmp_path: Path, level: str, photos: int, endpoint: str, field: str
) -> None:
    wish = portrait(photos=(photo,) * photos, model=level, consistency=Consistency.STRICT, aspect_ratio="3:4")
    submission = await provider.submit(wish)
    assert submission.model == endpoint
    assert field in fal.bodies[0]
    assert (await provider.fetch(submission, tmp_path / "out")).pictures
    assert (await provider.submit(portrait(photos=(photo,), model=level))).model.endswith("/edit")


def test_every_row_has_a_body_and_can_be_reached() -> None:
    for row in offers():
        assert row.notes["body"] in BODIES, row.model
        scale = next(iter(row.scales)) if row.scales else None
        task = Task(
            operation=row.operation,
            model=f"fal/{row.model}",
            photos=row.min_photos,
            mask=row.operation is Operation.INPAINT,
            action=next(iter(row.actions)) if row.actions else None,
            parameters=Parameters(scale=scale),
        )
        found = offers().find(task)
        assert found is not None
        assert found.model == row.model


@pytest.mark.parametrize(
    ("model", "with_photo", "scale", "usd"),
    [
        ("nano2", False, None, "0.08"),
        ("nanopro", True, None, "0.15"),
        ("nanopro", True, 4, "0.005"),
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
