"""Who sees the mark, that only what is delivered carries it, and that its copies go when their pictures go."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handlers.jobs.files import JobFiles
from handlers.jobs.visible_marks import VisibleMarks
from handlers.marked_copies import marked_copy, with_copies
from handlers.message import Chat, Language
from providers.base import PictureFile
from providers.errors import MadeNothing
from providers.labelling import with_labels
from providers.media.labels import read_label
from providers.media.save import save_picture
from providers.media.store import FolderStore
from providers.media.visible_mark import Box, mark_box
from providers.offers import Tier
from providers.task_builders import portrait_task
from tests.providers.media.pictures import encoded, scene

WEB = Chat(channel="web", chat="c", person="p")
WECHAT = Chat(channel="wechat", chat="c", person="p")


@pytest.fixture
def picture(tmp_path: Path) -> PictureFile:
    """A labelled result in a job's folder."""
    data = encoded(scene(640, 480), "PNG")
    saved = save_picture(data, into=tmp_path / "out" / "j1", stem="x", provider="fal", request_id="r")
    task = portrait_task(style="anime", photos=1)
    return with_labels([saved], key="k", task=task, tier=Tier.SERVICE, producer="Likeness")[0]


@pytest.mark.parametrize(
    ("policy", "chat", "language", "seen"),
    [
        ("auto", WECHAT, "en", True),
        ("auto", WEB, "zh", True),
        ("auto", WEB, "en", False),
        ("on", WEB, "en", True),
        ("off", WECHAT, "zh", False),
    ],
)
def test_who_sees_the_mark(policy: str, chat: Chat, language: Language, seen: bool) -> None:
    marks = VisibleMarks(policy=policy, always=frozenset({"wechat"}))  # type: ignore[arg-type]
    assert marks.wanted(chat, language) is seen


async def test_what_is_delivered_is_a_marked_copy_with_the_same_label(picture: PictureFile) -> None:
    before = picture.path.read_bytes()
    (shown,) = await VisibleMarks(policy="on").delivered([picture], chat=WEB, language="en")
    assert picture.path.read_bytes() == before
    assert shown.path == marked_copy(picture.path)
    assert shown.size_bytes == shown.path.stat().st_size
    data = shown.path.read_bytes()
    assert read_label(data) == read_label(before) is not None
    box = mark_box(640, 480)
    clean, done = (np.asarray(Image.open(io.BytesIO(d)).convert("RGB"), np.int16) for d in (before, data))
    changed = np.abs(clean - done).max(axis=2)
    assert changed[box.y : box.y + box.height, box.x : box.x + box.width].mean() > 20
    changed[box.y : box.y + box.height, box.x : box.x + box.width] = 0
    assert changed.max() == 0


async def test_the_mark_leaves_a_face_alone_and_comes_also_where_nobody_could_look(picture: PictureFile) -> None:
    async def in_the_corner(_: Path) -> Sequence[Box]:
        return [Box(x=320, y=240, width=320, height=240)]

    async def broken(_: Path) -> Sequence[Box]:
        raise MadeNothing("the worker died")

    (kept,) = await VisibleMarks(policy="on", faces=in_the_corner).delivered([picture], chat=WEB, language="en")
    face = np.asarray(Image.open(kept.path).convert("RGB"))[240:, 320:]
    assert np.array_equal(face, np.asarray(Image.open(picture.path).convert("RGB"))[240:, 320:])
    (shown,) = await VisibleMarks(policy="on", faces=broken).delivered([picture], chat=WEB, language="en")
    assert not np.array_equal(np.asarray(Image.open(shown.path)), np.asarray(Image.open(picture.path)))


async def test_a_chat_without_the_mark_gets_the_picture_itself(picture: PictureFile) -> None:
    assert await VisibleMarks().delivered([picture], chat=WEB, language="en") == (picture,)
    assert not marked_copy(picture.path).exists()


async def test_copies_stay_and_go_with_their_pictures(picture: PictureFile, tmp_path: Path) -> None:
    await VisibleMarks(policy="on").delivered([picture], chat=WEB, language="en")
    data, out = tmp_path / "data", tmp_path / "out"
    files = JobFiles(data, out, FolderStore(data=data, pictures=out))
    await files.keep_only("j1", with_copies([picture.path]))
    assert marked_copy(picture.path).exists()
    await files.discard([picture.path])
    assert not (tmp_path / "out" / "j1").exists()
