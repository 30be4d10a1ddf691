"""The numbers that documents tell of the catalog are those of its records."""

from providers.catalog import ACTIONS, STYLES
from tests.docs.example import ROOT


def test_the_readme_counts_what_there_is() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert f"[{len(STYLES)} styles](docs/styles.md)" in text
    assert f"[{len(ACTIONS)} actions](docs/actions.md)" in text


def test_every_page_is_reached_from_the_readme_or_another_page() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    texts = [(ROOT / "README.md").read_text("utf-8"), *(p.read_text("utf-8") for p in (ROOT / "docs").glob("*.md"))]
    for page in pages:
        assert any(f"({page})" in text or f"(docs/{page})" in text for text in texts), page
