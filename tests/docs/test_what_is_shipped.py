"""What is shipped: licences that bind nobody who ships it on, files known by hashes, and the size that is said."""

import platform
import re
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.docs.licences import INSIDE, ROOT, page, shipped

ON_LINUX = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="wheels carry other libraries elsewhere"
)
WRITTEN = (ROOT / "docs" / "licences.md").read_text()


def rows(title: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    table = WRITTEN.partition(f"# {title}")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return lines[2:]


def test_every_package_of_the_lock_file_is_there_with_a_licence() -> None:
    packages = {row[0]: row[1:] for row in rows("Licences of what is shipped")}
    assert dict(shipped()) == {name: cells[0] for name, cells in packages.items()}
    assert [name for name, cells in packages.items() if len(cells) < 2 or not cells[1]] == []


def test_nothing_shipped_is_under_the_gpl_or_agpl() -> None:
    licences = [row[2] for row in rows("Licences of what is shipped")]
    licences += [row[2] for row in rows("Libraries inside those packages")]
    # The GCC runtime exception is there so that what is linked with it is not bound.
    free = ("LGPL", "Lesser General Public License", "runtime exception")
    assert [said for said in licences if "GPL" in said and not any(word in said for word in free)] == []
    assert "x265" not in WRITTEN.partition("## Libraries")[2]


@ON_LINUX
def test_the_page_is_what_make_licences_writes() -> None:
    written = page()
    assert "|  |" not in written, f"a library without a licence in INSIDE: {sorted(INSIDE)}"
    assert written == WRITTEN, "run `make licences`"


def test_every_package_is_installed_by_hashes_and_no_address() -> None:
    written = (ROOT / "requirements.hashes").read_text()
    blocks = re.findall(r"^([^\s=]+)==([^\s;]+)[^\n]*((?: \\\n +--hash=sha256:[0-9a-f]{64})+)$", written, re.MULTILINE)
    names = {(name.lower().replace("_", "-"), version) for name, version, _ in blocks}
    assert names == {(name.lower().replace("_", "-"), version) for name, version in shipped()}, "run `make lock`"
    assert "://" not in written
    assert "--require-hashes -r requirements.hashes" in (ROOT / "Makefile").read_text()


@ON_LINUX
def test_the_size_that_make_setup_says_is_what_is_installed() -> None:
    said = re.search(r"(\d+) MB on the disk", (ROOT / "Makefile").read_text())
    assert said is not None
    installed = [Path(str(file.locate())) for name, _ in shipped() for file in distribution(name).files or ()]
    megabytes = sum(path.stat().st_size for path in installed if path.exists()) / 2**20
    # pip and setuptools of the environment itself, and the networks, are some 30 MB.
    assert float(said[1]) == pytest.approx(megabytes + 30, rel=0.1)
    assert f"{said[1]} MB" in (ROOT / "README.md").read_text()
