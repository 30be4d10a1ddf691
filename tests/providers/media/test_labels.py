"""The label in the file: exactly once, readable by others, no pixel touched, other XMP kept."""

import io
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from providers.media.labels import Label, SourceType, allowed, labelled, produce_id, read_label
from providers.media.strip import Malformed
from providers.media.xmp import MAX_PACKET, read_packet, with_packet
from tests.providers.media.pictures import encoded, noise, scene

NOW = datetime(2026, 11, 30, 8, 30, tzinfo=UTC)
LABEL = Label(source=SourceType.GENERATED, produce_id=produce_id("a-request", 0), created=NOW)
FOREIGN = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="uuid:1" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 photoshop:Credit="Made by &lt;X&gt;"
 xmlns:I="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" I:DigitalSourceType="http://cv.iptc.org/other"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Theirs">
<T:AIGC xmlns:T="http://www.tc260.org.cn/ns/AIGC/1.0/">{"Label":"2","ContentProducer":"theirs"}</T:AIGC>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def with_alpha() -> Image.Image:
    return Image.fromarray(np.dstack([np.asarray(noise(40, 30)), np.full((30, 40), 90, np.uint8)]))


FILES = {
    "jpeg": encoded(scene(), "JPEG"),
    "progressive jpeg": encoded(noise(70, 50), "JPEG", progressive=True),
    "png": encoded(scene(), "PNG"),
    "png with alpha": encoded(with_alpha(), "PNG"),
    "lossy webp": encoded(scene(61, 33), "WEBP"),
    "lossless webp": encoded(noise(33, 61), "WEBP", lossless=True),
    "webp with alpha": encoded(with_alpha(), "WEBP"),
    "lossless webp with alpha": encoded(with_alpha(), "WEBP", lossless=True),
}
files = pytest.mark.parametrize("data", FILES.values(), ids=FILES.keys())


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def exiftool(data: bytes, folder: Path) -> dict[str, Any]:
    """What a reader that is not ours finds, by namespace."""
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("exiftool is not installed: apt-get install libimage-exiftool-perl")
    path = folder / "picture"
    path.write_bytes(data)
    done = subprocess.run([program, "-j", "-G1", "-a", "-XMP:all", str(path)], capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return found


@files
def test_a_label_is_read_back_and_no_pixel_changes(data: bytes) -> None:
    done = labelled(data, LABEL)
    assert read_label(done) == LABEL
    before, after = opened(data), opened(done)
    assert (before.mode, before.size, before.format) == (after.mode, after.size, after.format)
    assert np.array_equal(np.asarray(before), np.asarray(after))


@files
def test_labelling_again_leaves_one_label_the_newer(data: bytes) -> None:
    newer = Label(source=SourceType.ENHANCED, produce_id=produce_id("another", 1), created=NOW, producer="Somebody")
    done = labelled(labelled(data, LABEL), newer)
    assert read_label(done) == newer
    assert done.count(b"DigitalSourceType>") == 2  # opened and closed
    assert LABEL.produce_id.encode() not in done


@files
def test_other_xmp_stays_and_a_foreign_label_goes(data: bytes) -> None:
    done = labelled(with_packet(data, FOREIGN.encode()), LABEL)
    packet = (read_packet(done) or b"").decode()
    assert 'Credit="Made by &lt;X&gt;"' in packet
    assert "theirs" not in packet
    assert "Theirs" not in packet
    assert "cv.iptc.org/other" not in packet
    assert read_label(done) == LABEL
    assert packet.count('rdf:about="uuid:1"') == 2  # every description of one packet speaks of the same picture


@files
def test_another_reader_finds_every_property_once(data: bytes, tmp_path: Path) -> None:
    found = exiftool(labelled(data, LABEL), tmp_path)
    address = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert found["XMP-iptcExt:DigitalSourceType"] == address
    assert json.loads(found["XMP-TC260:Aigc"]) == LABEL.aigc
    assert found["XMP-xmp:CreatorTool"] == "Likeness"
    assert found["XMP-dc:Identifier"] == LABEL.produce_id
    assert found["XMP-xmp:CreateDate"].startswith("2026:11:30 08:30:00")


def test_the_object_has_its_seven_keys_in_order_and_only_allowed_characters() -> None:
    label = Label(source=SourceType.COMPOSITE, produce_id="p", created=NOW, producer='我的 "Studio" \\ <&>')
    assert list(label.aigc) == [
        "Label",
        "ContentProducer",
        "ProduceID",
        "ReservedCode1",
        "ContentPropagator",
        "PropagateID",
        "ReservedCode2",
    ]
    assert label.aigc["Label"] == "1"
    assert label.aigc["ContentProducer"] == "Studio<&>"
    done = labelled(FILES["jpeg"], label)
    found = read_label(done)
    assert found is not None
    assert found.producer == "Studio<&>"


def test_a_name_without_an_allowed_character_becomes_the_default() -> None:
    assert (
        Label(source=SourceType.ENHANCED, produce_id="p", created=NOW, producer="照相").aigc["ContentProducer"]
        == "Likeness"
    )


@given(st.text())
def test_what_is_allowed_is_what_the_standard_allows(text: str) -> None:
    assert all(0x21 <= ord(c) <= 0x7E and c not in '"\\' for c in allowed(text))


def test_ids_are_the_same_for_the_same_picture_and_differ_for_others() -> None:
    ids = {produce_id(key, number) for key in ("a", "b") for number in range(8)}
    assert len(ids) == 16
    assert produce_id("a", 0) == produce_id("a", 0)


def test_a_packet_with_a_document_type_is_not_kept() -> None:
    bomb = FOREIGN.replace("<x:xmpmeta", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n<x:xmpmeta', 1)
    done = labelled(with_packet(FILES["png"], bomb.encode()), LABEL)
    assert b"ENTITY" not in done
    assert b"Credit" not in done
    assert read_label(done) == LABEL


@pytest.mark.parametrize("junk", [b"", b"\0\0", b"not xml", b"<a/>", b"\xff\xfe<\0", FOREIGN.encode("utf-16")])
def test_a_packet_that_cannot_be_read_gives_way_to_the_label(junk: bytes) -> None:
    assert read_label(labelled(with_packet(FILES["jpeg"], junk), LABEL)) == LABEL


def test_a_packet_that_leaves_no_room_gives_way_to_the_label() -> None:
    big = FOREIGN.replace("Made by", "x" * (MAX_PACKET - len(FOREIGN)))
    assert read_label(labelled(with_packet(FILES["webp with alpha"], big.encode()), LABEL)) == LABEL


def test_compressed_text_of_a_png_is_read_and_replaced() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", FOREIGN, zip=True)
    data = encoded(scene(), "PNG", pnginfo=info)
    assert b"Credit" not in data
    assert "Made by" in (read_packet(data) or b"").decode()
    done = labelled(data, LABEL)
    assert done.count(b"XML:com.adobe.xmp") == 1
    assert read_label(done) == LABEL


@given(st.sampled_from(sorted(FILES)), st.data())
def test_damaged_files_are_refused_or_labelled_never_a_crash(name: str, data: st.DataObject) -> None:
    whole = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        done = labelled(cut, LABEL)
    except Malformed:
        return
    assert read_label(done) == LABEL


def test_a_file_without_a_label_has_none() -> None:
    assert read_label(FILES["jpeg"]) is None
    assert read_label(b"GIF89a") is None
