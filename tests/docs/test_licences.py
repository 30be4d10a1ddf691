"""What is shipped is written down with its licence, and nothing of it would bind who ships it on."""

import platform
import sys

import pytest

from tests.docs.licences import INSIDE, ROOT, page, shipped

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


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="wheels carry other libraries elsewhere"
)
def test_the_page_is_what_make_licences_writes() -> None:
    written = page()
    assert "|  |" not in written, f"a library without a licence in INSIDE: {sorted(INSIDE)}"
    assert written == WRITTEN, "run `make licences`"
