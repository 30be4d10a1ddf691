"""Where pictures lie: refs that every process understands, and a folder that gives nothing beyond itself away."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from providers.media.ref import MediaRef, StoredPath
from providers.media.store import FolderStore, MediaStore


class Photo(BaseModel):
    path: StoredPath
    others: tuple[StoredPath, ...] = ()


def store(folder: Path) -> FolderStore:
    return FolderStore(data=folder / "data", pictures=folder / "data" / "made")


def test_a_path_is_a_ref_in_json_and_a_path_again_where_the_folders_lie_elsewhere(tmp_path: Path) -> None:
    here, there = store(tmp_path / "here"), store(tmp_path / "there")
    photo = Photo(path=tmp_path / "here/data/photos/ann/a.jpg", others=(tmp_path / "here/data/made/job/b.png",))
    text = photo.model_dump_json(context=here)
    assert text == '{"path":"data/photos/ann/a.jpg","others":["pictures/job/b.png"]}'
    found = Photo.model_validate_json(text, context=there)
    assert found.path == tmp_path / "there/data/photos/ann/a.jpg"
    assert found.others == (tmp_path / "there/data/made/job/b.png",)


def test_a_file_that_others_could_not_find_is_not_written_down(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none of the store's folders"):
        Photo(path=tmp_path / "elsewhere.jpg").model_dump_json(context=store(tmp_path))


@pytest.mark.parametrize(
    "text", ["", "data", "data/", "/etc/passwd", "data//etc/passwd", "data/../x", "other/x", "data/a/./b"]
)
def test_what_leads_out_is_no_ref(text: str) -> None:
    with pytest.raises(ValueError, match="stored file"):
        MediaRef.parse(text)


@given(st.text(max_size=30))
def test_every_ref_comes_back_as_itself_and_stays_inside(name: str) -> None:
    folder = store(Path("/srv"))
    try:
        ref = MediaRef("data", name)
    except ValueError:
        return
    assert MediaRef.parse(str(ref)) == ref
    assert folder.path(ref).is_relative_to("/srv/data")


async def test_files_are_found_and_deleted_and_their_empty_folders_too(tmp_path: Path) -> None:
    folder = store(tmp_path)
    assert isinstance(folder, MediaStore)
    here = tmp_path / "data" / "photos" / "ann"
    here.mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        (here / name).write_bytes(b"x")
    outside = tmp_path / "operator.jpg"
    outside.write_bytes(b"x")
    assert await folder.put(here / "a.jpg") == MediaRef("data", "photos/ann/a.jpg")
    assert await folder.local(here / "a.jpg") == here / "a.jpg"
    await folder.delete([here / "a.jpg", here / "gone.jpg", outside])
    assert here.is_dir()
    await folder.delete([here / "b.jpg"])
    assert not here.exists()
    assert (tmp_path / "data").is_dir()
    assert outside.exists()
    with pytest.raises(FileNotFoundError):
        await folder.local(here / "a.jpg")
