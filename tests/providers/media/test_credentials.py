"""Signed pictures, read back with C2PA's own library; and every setting that cannot sign is a sentence."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.cli.doctor import _labels, _labels_or_why_not
from bot.settings import Settings
from handlers.jobs.visible_marks import VisibleMarks
from handlers.message import Chat
from providers.collection import collect
from providers.configure import build_credentials, build_router
from providers.fake import FakeProvider
from providers.labelling import with_labels
from providers.media.credentials import ContentCredentials, CredentialsUnusable, read_credentials
from providers.media.labels import SourceType, read_label
from providers.media.save import save_picture
from providers.offers import Tier
from providers.router import Router
from providers.settings import ProviderSettings
from providers.submission import submit
from providers.task_builders import edit_task, portrait_task
from tests.providers.media.certificates import Issued, issued
from tests.providers.media.pictures import encoded, noise
from tests.providers.media.test_labels import FILES, LABEL, opened
from tests.providers.test_submission import Notes
from tests.providers.wanted import portrait

pytest.importorskip("c2pa", reason="c2pa-python is not installed: pip install 'likeness[c2pa]'")

PAPERS = issued()
CREDENTIALS = ContentCredentials(chain=PAPERS.chain, key=PAPERS.key)


@pytest.mark.parametrize("data", FILES.values(), ids=FILES.keys())
def test_what_is_signed_is_valid_and_says_what_the_label_says(data: bytes) -> None:
    done = CREDENTIALS.signed(data, LABEL)
    found = read_credentials(done)
    assert found is not None
    assert (found.state, found.issuer, found.source) == ("Valid", "Portrait Studio", SourceType.GENERATED)
    assert np.array_equal(np.asarray(opened(data)), np.asarray(opened(done)))
    assert len(done) - len(data) < 5_000  # no thumbnail


def test_a_byte_that_changes_is_noticed_and_a_plain_file_has_none() -> None:
    done = bytearray(CREDENTIALS.signed(FILES["jpeg"], LABEL))
    done[-30] ^= 1
    found = read_credentials(bytes(done))
    assert found is not None
    assert found.state == "Invalid"
    assert read_credentials(FILES["png"]) is None


def test_signed_again_there_is_one_signature_that_holds() -> None:
    once = CREDENTIALS.signed(FILES["webp with alpha"], LABEL)
    again = CREDENTIALS.signed(once, LABEL)
    found = read_credentials(again)
    assert found is not None
    assert found.state == "Valid"
    assert len(again) - len(once) < 100


async def test_what_is_collected_is_signed_over_its_label_and_collected_again_stays_so(tmp_path: Path) -> None:
    router, notes = Router([FakeProvider(name="fal")], credentials=CREDENTIALS), Notes()
    request = portrait(count=2)
    submission = await submit(request, router, notes)
    for _ in range(2):
        for picture in (await collect(request, submission, router, notes, into=tmp_path)).pictures:
            data = picture.path.read_bytes()
            found, label = read_credentials(data), read_label(data)
            assert found is not None
            assert label is not None
            assert (found.state, label.produce_id) == ("Valid", picture.produce_id)
            assert picture.size_bytes == len(data)


def test_labelled_again_a_file_does_not_change(tmp_path: Path) -> None:
    saved = save_picture(encoded(noise(60, 40), "PNG"), into=tmp_path, stem="x", provider="fal", request_id="r")
    task = edit_task(action="enhance", words="", photos=1)

    def label() -> bytes:
        with_labels([saved], key="k", task=task, tier=Tier.LOCAL, producer="L", watermark=True, credentials=CREDENTIALS)
        return saved.path.read_bytes()

    assert label() == label()


async def test_the_marked_copy_is_signed_too(tmp_path: Path) -> None:
    saved = save_picture(encoded(noise(600, 400), "JPEG"), into=tmp_path, stem="x", provider="fal", request_id="r")
    task = portrait_task(style="anime", photos=1)
    (made,) = with_labels([saved], key="k", task=task, tier=Tier.SERVICE, producer="L", credentials=CREDENTIALS)
    marks = VisibleMarks(policy="on", credentials=CREDENTIALS)
    chat = Chat(channel="fake", chat="c", person="p")
    (marked,) = await marks.delivered([made], chat=chat, language="en")
    assert not np.array_equal(np.asarray(Image.open(made.path)), np.asarray(Image.open(marked.path)))
    for picture in (made, marked):
        found = read_credentials(picture.path.read_bytes())
        assert found is not None
        assert (found.state, found.source) == ("Valid", SourceType.GENERATED)


def settings(tmp_path: Path, papers: Issued) -> ProviderSettings:
    chain, key = papers.files(tmp_path)
    return ProviderSettings(_env_file=None, data_dir=tmp_path, label_c2pa_certificate=chain, label_c2pa_key=key)


def test_it_is_off_unless_both_files_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    on = settings(tmp_path, PAPERS)
    assert build_router(on, []).credentials is not None
    assert build_router(ProviderSettings(_env_file=None, data_dir=tmp_path), []).credentials is None
    assert not caplog.records
    assert build_router(on.model_copy(update={"label_c2pa_key": None}), []).credentials is None
    assert "belong together" in caplog.text


@pytest.mark.parametrize(
    ("papers", "said"),
    [
        (replace(PAPERS, key=issued().key), "is not the key of"),
        (replace(PAPERS, key=b"none"), "in PEM"),
        (replace(PAPERS, chain=b""), "in PEM"),
    ],
)
def test_files_that_cannot_sign_are_a_sentence_that_does_not_quote_them(
    tmp_path: Path, papers: Issued, said: str
) -> None:
    with pytest.raises(CredentialsUnusable, match=said) as raised:
        build_credentials(settings(tmp_path, papers))
    assert "PRIVATE" not in str(raised.value)


def test_doctor_signs_and_reads_back_or_says_why_not(tmp_path: Path) -> None:
    chain, key = PAPERS.files(tmp_path)
    found = Settings(_env_file=None, data_dir=tmp_path, label_c2pa_certificate=chain, label_c2pa_key=key)
    assert (_labels(found).verdict, "signed" in _labels(found).message) == ("ok", True)
    key.write_bytes(issued().key)
    assert _labels_or_why_not(found).verdict == "broken"


def test_a_certificate_that_has_expired_is_a_sentence_and_keeps_no_picture_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = issued(days=-30)
    credentials = ContentCredentials(chain=old.chain, key=old.key)
    with pytest.raises(CredentialsUnusable, match="in date"):
        credentials.signed(FILES["jpeg"], LABEL)
    saved = save_picture(FILES["jpeg"], into=tmp_path, stem="x", provider="fal", request_id="r")
    task = portrait_task(style="anime", photos=1)
    with caplog.at_level(logging.ERROR):
        (made,) = with_labels([saved], key="k", task=task, tier=Tier.SERVICE, producer="L", credentials=credentials)
    assert read_label(made.path.read_bytes()) is not None
    assert read_credentials(made.path.read_bytes()) is None
    assert "could not be signed" in caplog.text
