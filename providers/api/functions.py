"""The Python API: coroutines that return the same dictionaries as the command line's `--json`, see `Result`.

Images are paths or public addresses. Every function takes the keywords of `CallOptions` besides its own.

No error of the service or of the request is raised: it is in the result, as `{"success": False, "error": {"code",
"message", "retryable"}}`, or in `errors` where other pictures came. A wrong argument (an unknown style, a count of 9)
is such an error too. A call that was interrupted is picked up by `resume_request(key)`; nothing is paid twice.

The examples run in the tests.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack

from providers.api.face_files import find_face
from providers.api.options import CallOptions, Options, Sides, Source
from providers.api.results import RequestRow, Result
from providers.api.runner import answered, kept, perform, resume
from providers.api.wishes import EditWish, Item, PortraitWish, checked_items, create_wish
from providers.settings import ProviderSettings
from providers.submission import OnProgress
from providers.task import Parameters

VARIATIONS = 3


class EditOptions(CallOptions, total=False):
    """Keywords of those functions that are one action of `edit_image`, besides their own."""

    prompt: str | None
    model: str | None
    image_path: Source | None
    image_url: str | None
    mask: Source | None
    image3: Source | None
    aspect_ratio: str | None
    consistency: str | None


async def generate_portrait(
    image: Source | None = None,
    style: str | None = None,
    count: int = 1,
    model: str = "nanopro",
    *,
    photos: Sequence[Source] = (),
    image_path: Source | None = None,
    image_url: str | None = None,
    scene: str | None = None,
    prompt: str | None = None,
    aspect_ratio: str | None = None,
    consistency: str | None = None,
    face: str | None = None,
    template: Source | None = None,
    gender: str | None = None,
    retouch: bool | None = None,
    **options: Unpack[CallOptions],
) -> Result:
    """A new picture of the person in `image` (or of nobody in particular): `prompt`, else `style` with `scene`.

    `photos`: more of the same person. `face`: the id of a trained face in their place, see `train_face`; its presets
    are made for one `gender`. `template`: a picture to put the person in; `retouch`: whether skin is made fairer there.
    `consistency`: strict (only by services that hold an identity), balanced or loose; the result then says what was
    `given`, and `how`. `image_path` and `image_url` are other names for `image`; the path goes first where both are
    given.

    Example:

        result = await generate_portrait("me.jpg", style="anime", count=2)
        for image in result["images"]:
            print(image["local_path"], image["provider"], image["model"])
    """
    given = (*_given(image, image_path, image_url), *photos)
    wanted = PortraitWish(
        photos=len(given),
        model=model,
        style=style,
        scene=scene,
        prompt=prompt,
        count=count,
        aspect_ratio=aspect_ratio,
        consistency=consistency,
        face=face,
        template=template is not None,
        gender=gender,
        retouch=retouch,
    )
    chosen = Options(**options)

    async def call() -> Result:
        if face is None:
            pictures = given if template is None else (*given, template)
            return await perform([wanted.as_wish()], photos=pictures, options=chosen)
        known = await asyncio.to_thread(find_face, face, chosen.settings or ProviderSettings())
        there = chosen if chosen.provider else replace(chosen, provider=known.service)
        own = replace(wanted, gender=gender or known.gender)
        return await perform([own.as_wish()], photos=() if template is None else (template,), options=there)

    return await answered(call)


async def generate_series(
    image: Source | None = None,
    items: Sequence[Item] | None = None,
    model: str = "nanopro",
    *,
    series: Sequence[Item] | None = None,
    image_path: Source | None = None,
    image_url: str | None = None,
    aspect_ratio: str | None = None,
    consistency: str | None = None,
    **options: Unpack[CallOptions],
) -> Result:
    """One portrait for each of up to 8 items `{"style", "scene", "prompt"}`, side by side.

    Every image and every error says by `item` (from 0) which it belongs to; where some are missing it is a success all
    the same. `series` is another name for `items`.

    Example:

        result = await generate_series("me.jpg", [{"style": "professional"}, {"prompt": "as an astronaut"}])
        print({image["item"]: image["local_path"] for image in result["images"]}, result["errors"])
    """
    given = _given(image, image_path, image_url)
    wanted = PortraitWish(photos=len(given), model=model, aspect_ratio=aspect_ratio, consistency=consistency)
    chosen = Options(**options)

    async def call() -> Result:
        every = checked_items(items if items is not None else series)
        return await perform([wanted.of(item).as_wish() for item in every], photos=given, series=True, options=chosen)

    return await answered(call)


async def edit_image(
    image: Source | None = None,
    prompt: str | None = None,
    action: str = "edit",
    model: str | None = None,
    *,
    image_path: Source | None = None,
    image_url: str | None = None,
    mask: Source | None = None,
    image2: Source | None = None,
    image3: Source | None = None,
    aspect_ratio: str | None = None,
    scale: int | None = None,
    outpaint: Sides = None,
    transparent: bool = False,
    count: int = 1,
    consistency: str | None = None,
    parameters: Parameters | None = None,
    **options: Unpack[CallOptions],
) -> Result:
    """Change `image` as `prompt` says, by `action`. `mask`: a picture of the photo's shape, white is changed.

    `outpaint`: pixels to add, such as `{"left": 200}`, 0 to 2000 a side; means the action `extend`. `scale`: 2 or 4,
    for `upscale`. `transparent`: the background is removed; means `replace_bg`. `image2`: the look, for
    `transfer_style`. `count`: 1 to 8. `model`: nanopro where nothing is said. `parameters`: what the words say as
    values (`providers.task.Parameters`), for makers that read none; left out, the words are read for them.

    Example:

        cost = await edit_image("me.jpg", "make the sky dramatic", estimate=True)
        if cost["estimate"]["usd"] < 0.5:
            result = await edit_image("me.jpg", "make the sky dramatic", block=["replicate"])
    """
    given = (*_given(image, image_path, image_url), *(i for i in (image2, image3) if i is not None))
    wanted = EditWish(
        photos=len(given),
        mask=mask is not None,
        prompt=prompt,
        action=action,
        model=model,
        count=count,
        aspect_ratio=aspect_ratio,
        scale=scale,
        outpaint=outpaint,
        transparent=transparent,
        consistency=consistency,
        parameters=parameters,
    )
    chosen = Options(**options)

    async def call() -> Result:
        return await perform([wanted.as_wish()], photos=given, mask=mask, options=chosen)

    return await answered(call)


async def generate_image(
    prompt: str,
    model: str = "nanopro",
    count: int = 1,
    *,
    aspect_ratio: str | None = None,
    **options: Unpack[CallOptions],
) -> Result:
    """A picture from words alone.

    Example:

        result = await generate_image("a lighthouse in a storm", count=2, priority="cost")
        print(result["total_cost"], result["cost_source"], result["tried"])
    """
    chosen = Options(**options)

    async def call() -> Result:
        wish = create_wish(prompt=prompt, model=model, count=count, aspect_ratio=aspect_ratio)
        return await perform([wish], options=chosen)

    return await answered(call)


async def upscale_image(image: Source | None = None, scale: int = 2, **more: Unpack[EditOptions]) -> Result:
    """`image` with `scale` (2 or 4) times the pixels a side.

    Example:

        result = await upscale_image("me.jpg", scale=4, prefer=["stability"])
    """
    return await edit_image(image, action="upscale", scale=scale, **more)


async def variate_image(image: Source | None = None, count: int = VARIATIONS, **more: Unpack[EditOptions]) -> Result:
    """`count` other versions of `image`.

    Example:

        result = await variate_image("me.jpg", count=4)
    """
    return await edit_image(image, action="variations", count=count, **more)


async def transfer_style(
    image: Source | None = None, image2: Source | None = None, **more: Unpack[EditOptions]
) -> Result:
    """`image` in the look of `image2`; both pictures go to the service.

    Example:

        result = await transfer_style("me.jpg", "painting.jpg")
    """
    return await edit_image(image, action="transfer_style", image2=image2, **more)


async def remove_background(image: Source | None = None, **more: Unpack[EditOptions]) -> Result:
    """The person or thing in `image` alone: a PNG with alpha.

    Example:

        result = await remove_background("me.jpg")
    """
    return await edit_image(image, action="replace_bg", transparent=True, **more)


async def resume_request(
    key: str, *, on_progress: OnProgress | None = None, settings: ProviderSettings | None = None
) -> Result:
    """Take an interrupted call up where it was: what was paid is fetched, what was never sent is sent.

    What may have been sent is not repeated, and stays an error.
    """
    return await answered(lambda: resume(key, settings=settings or ProviderSettings(), on_progress=on_progress))


async def list_requests(*, settings: ProviderSettings | None = None) -> list[RequestRow]:
    """The calls of the last 30 days, newest first, each with the stages of its pieces."""
    return await asyncio.to_thread(kept, settings or ProviderSettings())


def _given(image: Source | None, path: Source | None, url: str | None) -> tuple[Source, ...]:
    for source in (image, path, url):
        if source is not None:
            return (source,)
    return ()
