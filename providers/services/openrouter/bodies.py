"""The body of `POST /images`: one shape for every model. Blocks: it makes photos fit.

For an outpaint the photo is sent on the wider canvas, on a ground of grey; the words say what that is.
"""

from pathlib import Path
from typing import Any

from PIL import Image

from providers.base import Request
from providers.media.canvas import ground, lay_out
from providers.media.decode import decode
from providers.media.encode import encode_to_fit
from providers.media.files import read_regular_file, write_file
from providers.media.fitting import Room, size_of, to_fit
from providers.media.upstream import READ_BYTES
from providers.net.bodies import Base64File
from providers.offers import Offer
from providers.outpainting import sides_of
from providers.task import Operation

SENT = Room(max_side=2048, min_side=64)
GREY = (128, 128, 128)
CANVAS_WORDS = (
    "The photo lies on a larger canvas whose plain grey border is empty. Fill the whole border with a natural "
    "continuation of the scene, and leave the photo itself as it is."
)
QUALITY = "high"
_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}


def body_of(request: Request, offer: Offer, folder: Path) -> dict[str, Any]:
    """`folder`: for copies of photos, needed until the body was sent. Raises AskPerson."""
    task = request.task
    body: dict[str, Any] = {"model": offer.model, "prompt": request.prompt, "n": request.count}
    if task.operation is Operation.OUTPAINT:
        body["prompt"] = f"{CANVAS_WORDS} {request.prompt}"
        photos = [on_canvas(request, folder)]
    else:
        photos = [to_fit(photo, SENT, into=folder) for photo in request.photos]
        if task.aspect_ratio is not None:
            body["aspect_ratio"] = task.aspect_ratio
    if photos:
        body["input_references"] = [_reference(photo) for photo in photos]
    if offer.notes["quality"]:
        body["quality"] = QUALITY
    if request.seed is not None:
        body["seed"] = request.seed
    return body


def on_canvas(request: Request, folder: Path) -> Path:
    """The photo with its border, grey where something is to be added."""
    photo = request.photos[0]
    layout = lay_out(size_of(photo), sides_of(request.task, size_of(photo)), lambda size: SENT.size_for(*size))
    placed = ground(decode(read_regular_file(photo, max_bytes=READ_BYTES)).image, layout).convert("RGBA")
    canvas = Image.new("RGB", placed.size, GREY)
    canvas.paste(placed, mask=placed.getchannel("A"))
    encoded = encode_to_fit(canvas, max_bytes=10 * 1024 * 1024)
    return write_file(encoded.data, into=folder, name=f"canvas{encoded.suffix}")


def _reference(photo: Path) -> dict[str, Any]:
    url = Base64File(path=photo, prefix=f"data:{_TYPES[photo.suffix.lower()]};base64,")
    return {"type": "image_url", "image_url": {"url": url}}
