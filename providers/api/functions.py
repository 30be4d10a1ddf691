"""The Python API: coroutines that return the same dictionaries as the command line's `--json`.

    result = await generate_portrait("photo.jpg", style="anime", count=2)
    result = await edit_image("photo.jpg", "make the sky dramatic")

Images are paths or public addresses. All take `provider` (use this one and no other), `out` (folder for the pictures,
default OUTPUT_DIR), `on_progress` (awaited with the piece's key and a `Progress`), `key` (a name of your own for the
call: the same key again resumes it instead of paying twice) and `settings` (default: from the environment).

No error of the service or of the request is raised: it is in the result, as `{"success": False, "error": {"code",
"message", "retryable"}}`, or in `errors` where other pictures came. A wrong argument (an unknown style, a count of 9)
is such an error too. A call that was interrupted is picked up by `resume_request(key)`; nothing is paid twice.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from providers.api.runner import Options, Result, Source, Wish, answered, kept, perform, resume
from providers.catalog.keys import check_style
from providers.catalog.records import STYLES
from providers.embedded.reading import parameters_of
from providers.errors import AskPerson
from providers.prompts import create_prompt, edit_prompt, portrait_prompt
from providers.settings import ProviderSettings
from providers.submission import OnProgress
from providers.task import LEVELS, MAX_COUNT
from providers.task_builders import create_task, edit_task, portrait_task

ITEM_FIELDS = frozenset({"style", "scene", "prompt"})
VARIATIONS = 3


async def generate_portrait(
    image: Source | None = None,
    style: str | None = None,
    count: int = 1,
    model: str = "nanopro",
    *,
    image_path: Source | None = None,
    image_url: str | None = None,
    scene: str | None = None,
    prompt: str | None = None,
    aspect_ratio: str | None = None,
    provider: str | None = None,
    out: Source | None = None,
    on_progress: OnProgress | None = None,
    key: str | None = None,
    settings: ProviderSettings | None = None,
) -> Result:
    """A new picture of the person in `image` (or of nobody in particular): `prompt`, else `style` with `scene`.

    `image_path` and `image_url` are other names for `image`; the path goes first where both are given.
    """
    photos = _given(image, image_path, image_url)
    options = Options(provider=provider, out=out, on_progress=on_progress, key=key, settings=settings)

    async def call() -> Result:
        wish = _portrait(len(photos), style, scene, prompt, count, model, aspect_ratio)
        return await perform([wish], photos=photos, options=options)

    return await answered(call)


async def generate_series(
    image: Source | None = None,
    items: Sequence[Mapping[str, str | None]] | None = None,
    model: str = "nanopro",
    *,
    series: Sequence[Mapping[str, str | None]] | None = None,
    image_path: Source | None = None,
    image_url: str | None = None,
    aspect_ratio: str | None = None,
    provider: str | None = None,
    out: Source | None = None,
    on_progress: OnProgress | None = None,
    key: str | None = None,
    settings: ProviderSettings | None = None,
) -> Result:
    """One portrait for each of up to 8 items `{"style", "scene", "prompt"}`, side by side.

    Every image and every error says by `item` (from 0) which it belongs to. `series` is another name for `items`.
    """
    photos = _given(image, image_path, image_url)
    options = Options(provider=provider, out=out, on_progress=on_progress, key=key, settings=settings)

    async def call() -> Result:
        wanted = _checked_items(items if items is not None else series)
        wishes = [
            _portrait(len(photos), i.get("style"), i.get("scene"), i.get("prompt"), 1, model, aspect_ratio)
            for i in wanted
        ]
        return await perform(wishes, photos=photos, series=True, options=options)

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
    count: int = 1,
    provider: str | None = None,
    out: Source | None = None,
    on_progress: OnProgress | None = None,
    key: str | None = None,
    settings: ProviderSettings | None = None,
) -> Result:
    """Change `image` as `prompt` says, by `action`. `mask`: a picture of the photo's shape, white is changed."""
    photos = (*_given(image, image_path, image_url), *(i for i in (image2, image3) if i is not None))
    options = Options(provider=provider, out=out, on_progress=on_progress, key=key, settings=settings)

    async def call() -> Result:
        chosen = model or LEVELS[0]
        wish = _edit(len(photos), mask is not None, prompt, action, chosen, aspect_ratio, scale, count)
        return await perform([wish], photos=photos, mask=mask, options=options)

    return await answered(call)


async def generate_image(
    prompt: str,
    model: str = "nanopro",
    count: int = 1,
    *,
    aspect_ratio: str | None = None,
    provider: str | None = None,
    out: Source | None = None,
    on_progress: OnProgress | None = None,
    key: str | None = None,
    settings: ProviderSettings | None = None,
) -> Result:
    """A picture from words alone."""
    options = Options(provider=provider, out=out, on_progress=on_progress, key=key, settings=settings)

    async def call() -> Result:
        task = create_task(words=prompt, model=model, count=count, aspect_ratio=aspect_ratio)
        return await perform([Wish(task=task, prompt=create_prompt(prompt=prompt), text=prompt)], options=options)

    return await answered(call)


async def upscale_image(image: Source | None = None, scale: int = 2, **more: Any) -> Result:
    """`image` with `scale` (2 or 4) times the pixels a side, as far as the model goes. `more`: as for `edit_image`."""
    return await edit_image(image, action="upscale", scale=scale, **more)


async def variate_image(image: Source | None = None, count: int = VARIATIONS, **more: Any) -> Result:
    """Other versions of this very picture. `more`: as for `edit_image`."""
    return await edit_image(image, action="variations", count=count, **more)


async def transfer_style(image: Source | None = None, image2: Source | None = None, **more: Any) -> Result:
    """`image` in the look of `image2`. `more`: as for `edit_image`."""
    return await edit_image(image, action="transfer_style", image2=image2, **more)


async def resume_request(
    key: str, *, on_progress: OnProgress | None = None, settings: ProviderSettings | None = None
) -> Result:
    """Take an interrupted call up where it was: what was paid is fetched, what was never sent is sent.

    What may have been sent is not repeated, and stays an error.
    """
    return await answered(lambda: resume(key, settings=settings or ProviderSettings(), on_progress=on_progress))


async def list_requests(*, settings: ProviderSettings | None = None) -> list[Result]:
    """The calls of the last 30 days, newest first, each with the stages of its pieces."""
    return await asyncio.to_thread(kept, settings or ProviderSettings())


def _given(image: Source | None, path: Source | None, url: str | None) -> tuple[Source, ...]:
    for source in (image, path, url):
        if source is not None:
            return (source,)
    return ()


def _portrait(
    photos: int,
    style: str | None,
    scene: str | None,
    prompt: str | None,
    count: int,
    model: str,
    aspect_ratio: str | None,
) -> Wish:
    ratio = aspect_ratio or (STYLES[check_style(style)].aspect_ratio if style else None)
    task = portrait_task(
        style=None if prompt else style,
        own_words=bool(prompt),
        photos=photos,
        model=model,
        count=count,
        aspect_ratio=ratio,
    )
    text = portrait_prompt(style=style, scene=scene, prompt=prompt, photos=photos)
    return Wish(task=task, prompt=text, text=prompt or scene or "")


def _edit(
    photos: int,
    mask: bool,
    prompt: str | None,
    action: str,
    model: str,
    aspect_ratio: str | None,
    scale: int | None,
    count: int,
) -> Wish:
    factor = scale if scale is not None or action != "upscale" else 2
    task = edit_task(
        action=action,
        words=prompt,
        parameters=parameters_of(action, prompt or "", factor),
        photos=photos,
        mask=mask,
        model=model,
        count=count,
        aspect_ratio=aspect_ratio,
    )
    written = edit_prompt(action=action, text=prompt, scale=factor, photos=photos, aspect_ratio=aspect_ratio)
    return Wish(task=task, prompt=written, text=prompt or "")


def _checked_items(items: Sequence[Mapping[str, str | None]] | None) -> Sequence[Mapping[str, str | None]]:
    """Raises AskPerson `bad_items`: a misspelt field would otherwise become another, billed picture."""
    if not isinstance(items, list | tuple) or not 1 <= len(items) <= MAX_COUNT:
        raise AskPerson("not a list of 1 to 8", code="bad_items")
    for item in items:
        texts = isinstance(item, Mapping) and all(v is None or isinstance(v, str) for v in item.values())
        if not texts or not set(item) <= ITEM_FIELDS or not any(item.values()):
            raise AskPerson("an item of another shape", code="bad_items")
    return items
