"""Pre-flight, ID photos, cut-outs and likeness over folders of photographs: figures to read, sheets to look at.

    python -m bench.faces preflight FACES [NOBODY]     verdicts over the photos and degraded copies, beside the cascades
    python -m bench.faces id OUT.png FACES             ID photos and cut-outs beside their photos, with measures
    python -m bench.faces likeness FACES               how often one's own pictures rank before those of others

FACES: a folder of photographs of one person each; NOBODY: of things, animals, landscapes, pages. Times are of the
processor. `docs/models.md` names packages that ship photographs.
"""

import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from providers.embedded.id_check import IdReport, id_report
from providers.embedded.id_photo import id_photo
from providers.embedded.id_presets import presets
from providers.embedded.looks import LOOKS
from providers.errors import AskPerson
from providers.media.pixels import Floats, Picture
from providers.people.cascades import by_cascades
from providers.people.descriptor import descriptor
from providers.people.find import find_faces, find_people, upright
from providers.people.likeness import OTHER, SAME
from providers.people.preflight import check

LONGEST = 1024
WHITE = (255, 255, 255)
PRESET = presets()["cn_2inch"]


def photos_in(folder: Path) -> dict[str, Picture]:
    """By name, the long side at most `LONGEST` pixels."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"):
            with Image.open(path) as image:
                small = image.convert("RGB")
            small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
            found[path.stem] = np.asarray(small).copy()
    return found


def _turned(rgb: Picture, degrees: float) -> Picture:
    height, width = rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(rgb, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


def _squeezed(rgb: Picture, quality: int) -> Picture:
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1].copy()


COPIES: Mapping[str, Callable[[Picture], Picture]] = {
    "as it is": lambda rgb: rgb,
    "turned 90": lambda rgb: np.rot90(rgb).copy(),
    "turned 20": lambda rgb: _turned(rgb, 20),
    "at 15 %": lambda rgb: np.asarray(cv2.resize(rgb, None, fx=0.15, fy=0.15, interpolation=cv2.INTER_AREA), np.uint8),
    "dark": lambda rgb: (rgb * 0.18).astype(np.uint8),
    "blurred": lambda rgb: np.asarray(cv2.GaussianBlur(rgb, (0, 0), max(rgb.shape) / 160), np.uint8),
    "JPEG 8": lambda rgb: _squeezed(rgb, 8),
}


@dataclass
class Row:
    """What became of one kind of copy."""

    faces: int = 0
    before: int = 0
    good: int = 0
    upright: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    ms: list[float] = field(default_factory=list)
    ms_before: list[float] = field(default_factory=list)


def preflight(faces: Path, nobody: Path | None) -> None:
    photos = photos_in(faces)
    print(f"{len(photos)} photographs of one person; found by networks / by cascades, processor ms at the median")
    print(f"{'copy':12}{'found':>7}{'before':>8}{'good':>6}{'upright':>9}{'ms':>6}{'before':>8}  findings")
    for name, spoil in COPIES.items():
        row = Row()
        for rgb in photos.values():
            _look(row, spoil(rgb), expected=3 if name == "turned 90" else 0)
        told = ", ".join(f"{finding} {n}" for finding, n in row.findings.most_common())
        print(
            f"{name:12}{row.faces:7}{row.before:8}{row.good:6}{row.upright:9}"
            f"{statistics.median(row.ms):6.0f}{statistics.median(row.ms_before):8.0f}  {told}",
            flush=True,
        )
    if nobody is not None:
        nobodies = photos_in(nobody)
        false = [name for name, rgb in nobodies.items() if check(rgb).faces]
        before = [name for name, rgb in nobodies.items() if by_cascades(rgb)]
        print(f"nobody in {len(nobodies)}: a face for networks in {len(false)} {false}, for cascades in {len(before)}")


def _look(row: Row, rgb: Picture, *, expected: int) -> None:
    began = time.process_time()
    verdict = check(rgb)
    row.ms.append(1000 * (time.process_time() - began))
    began = time.process_time()
    row.before += bool(by_cascades(rgb))
    row.ms_before.append(1000 * (time.process_time() - began))
    row.faces += verdict.faces > 0
    row.good += verdict.good
    row.upright += verdict.quarters == expected
    row.findings.update(finding.value for finding in verdict.findings)


CELL = 300


def id_photos(out: Path, faces: Path) -> None:
    """A row each: the photo, the cut-out on chequers, the ID photo; what was measured is written under it."""
    photos = photos_in(faces)
    columns = 3
    rows = -(-len(photos) // columns)
    sheet = Image.new("RGB", (columns * (3 * CELL + 24), rows * (CELL + 40)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, (name, rgb) in enumerate(photos.items()):
        left, top = number % columns * (3 * CELL + 24), number // columns * (CELL + 40)
        seconds, made, said = _id_photo_of(rgb)
        print(f"{name:24} {said}  {seconds:.2f} s", flush=True)
        for place, picture in enumerate((rgb, _cut(rgb), made)):
            if picture is not None:
                shown = Image.fromarray(picture)
                shown.thumbnail((CELL - 6, CELL - 6), Image.Resampling.LANCZOS)
                sheet.paste(shown, (left + place * CELL, top))
        draw.text((left, top + CELL), f"{name[:22]}: {said}", "black", font)
    sheet.save(out)
    print(out)


def _id_photo_of(rgb: Picture) -> tuple[float, Picture | None, str]:
    began = time.process_time()
    standing, faces = upright(rgb, find_faces(rgb))
    try:
        made = id_photo(standing, faces, WHITE, preset=PRESET)
    except AskPerson as refusal:
        return time.process_time() - began, None, f"refused: {refusal.code}"
    spent = time.process_time() - began
    return spent, made, _measured(id_report(made, PRESET, WHITE))


def _measured(report: IdReport) -> str:
    head = "-" if report.head is None else f"{report.head:.2f}"
    uneven = "-" if report.uneven is None else f"{report.uneven:.2f}"
    faults = ", ".join(fault.value for fault in report.faults) or "nothing wrong"
    return f"head {head}, uneven {uneven}, {faults}"


def _cut(rgb: Picture) -> Picture | None:
    cutout = find_people(rgb).cutout
    if cutout is None:
        return None
    rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]] // 24
    ground = np.where((rows + columns) % 2, 205, 240)[..., None]
    alpha = cutout.alpha[..., None]
    return np.asarray(255 * cutout.colours * alpha + ground * (1 - alpha), np.uint8)


def likeness(faces: Path) -> None:
    """One's own pictures (painted, spoilt, mirrored) against everybody else's photo."""
    own: dict[str, Floats] = {}
    others: dict[str, list[tuple[str, Floats]]] = {}
    for name, rgb in photos_in(faces).items():
        if not (found := find_faces(rgb)):
            continue
        own[name] = descriptor(rgb, found[0])
        others[name] = _versions(rgb)
    pairs = [(float(np.linalg.norm(own[a] - own[b])), a, b) for a, b in combinations(own, 2)]
    before = total = missed = 0
    by_kind: dict[str, list[float]] = {}
    for name, versions in others.items():
        for kind, vector in versions:
            distance = float(np.linalg.norm(vector - own[name]))
            by_kind.setdefault(kind, []).append(distance)
            missed += distance > OTHER
            rivals = [float(np.linalg.norm(own[name] - own[other])) for other in own if other != name]
            before += sum(distance < rival for rival in rivals)
            total += len(rivals)
    print(f"{len(own)} people, {sum(map(len, others.values()))} pictures of them")
    print(f"the own picture before somebody else's photo: {before} of {total}")
    print(f"own pictures called a miss (above {OTHER}): {missed}")
    called = [pair for pair in pairs if pair[0] > OTHER]
    print(
        f"made misses (somebody else's photo): {len(called)} of {len(pairs)} caught; below {SAME}, taken for the same:"
    )
    print("   ", [(round(distance, 2), a, b) for distance, a, b in sorted(pairs) if distance < SAME])
    for kind, distances in by_kind.items():
        print(f"    {kind:12} mean {statistics.mean(distances):.2f}  max {max(distances):.2f}")


def _versions(rgb: Picture) -> list[tuple[str, Floats]]:
    faces = find_faces(rgb)
    made: dict[str, Picture] = {
        name: np.asarray(LOOKS[name](rgb, faces, 0, draft=True)) for name in ("anime", "watercolor", "vintage")
    }
    made |= {"mirrored": rgb[:, ::-1].copy(), **{name: COPIES[name](rgb) for name in ("dark", "blurred", "JPEG 8")}}
    return [(kind, descriptor(picture, found[0])) for kind, picture in made.items() if (found := find_faces(picture))]


def main(arguments: Sequence[str]) -> None:
    cv2.setNumThreads(1)
    match arguments:
        case ["preflight", faces, *rest]:
            preflight(Path(faces), Path(rest[0]) if rest else None)
        case ["id", out, faces]:
            id_photos(Path(out), Path(faces))
        case ["likeness", faces]:
            likeness(Path(faces))
        case _:
            print(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
