"""The second look at pixels: what it does with a score, and what the network says of ordinary portraits."""

from pathlib import Path

import pytest
from PIL import Image

from providers.errors import TellOperator
from providers.media.pixels import Picture
from providers.moderation.nudity import THRESHOLD, NudityCheck, score_of
from providers.moderation.offence import Offence
from providers.people.model_files import are_there
from tests.providers.media.pictures import scene
from tests.providers.photos import astronaut, coffee, officer  # noqa: F401 - fixtures


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    scene(300, 200).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.mark.parametrize(("score", "offence"), [(THRESHOLD - 0.01, None), (THRESHOLD, Offence.PICTURE)])
async def test_a_picture_above_the_threshold_is_refused(photo: Path, score: float, offence: Offence | None) -> None:
    assert await NudityCheck(lambda _: score).judge(text="a lighthouse", pictures=[photo]) is offence


async def test_one_of_several_is_enough_and_words_are_not_its_business(photo: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "white").save(tmp_path / "b.png")
    white = NudityCheck(lambda rgb: 0.9 if rgb.min() == 255 else 0.1)
    assert await white.judge(pictures=[photo, tmp_path / "b.png"]) is Offence.PICTURE
    assert await white.judge(text="naked") is None


async def test_turned_on_without_its_network_nothing_is_made_and_the_operator_told(photo: Path) -> None:
    def missing(_: Picture) -> float:
        raise FileNotFoundError

    with pytest.raises(TellOperator) as told:
        await NudityCheck(missing).judge(pictures=[photo])
    assert "models fetch nudity" in told.value.hint


async def test_what_is_no_picture_is_left_to_whoever_works_on_it(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"words")
    assert await NudityCheck(lambda _: 1.0).judge(pictures=[tmp_path / "a.png"]) is None


@pytest.mark.skipif(not are_there(("nudity",)), reason="`likeness models fetch nudity` brings the network")
@pytest.mark.parametrize("who", ["astronaut", "officer", "coffee"])
def test_ordinary_pictures_score_low(request: pytest.FixtureRequest, who: str) -> None:
    assert score_of(request.getfixturevalue(who)) < 0.3
