"""`docs/styles.md` and `docs/actions.md`, written from the records: `python -m providers.catalog.pages`.

A test holds the files to this, so that they cannot fall behind.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from providers.catalog.listing import Row, action_rows, model_rows, style_rows
from providers.catalog.records import ACTION_GROUPS, ACTIONS, STYLE_GROUPS, STYLES, Group
from providers.prompts import LIKENESS_ONE

DOCS = Path(__file__).parents[2] / "docs"

_WRITTEN = "<!-- Written by `python -m providers.catalog.pages` from providers/catalog/*.toml. Change it there. -->"

_STYLES = """\
A style is one record in `providers/catalog/styles.toml`: its key, group, names, and the seven parts of its prompt
(subject, dress, pose, expression, background, light, finish). To add one, add a record, its words in the lexicon of
`intent/`, and run `python -m providers.catalog.pages`.

What decides, strongest first: the person's own description; a style with a scene; a style; `professional`.
With a photo the prompt begins with the likeness, except for the styles marked “drawn freely”. A scene outranks the
style's own dress, pose, place and light, except for ID photos, whose backdrop, crop, pose and light are prescribed.
The ratio is the one used where the person names none."""

_ACTIONS = """\
An edit is one record in `providers/catalog/actions.toml`: what changes, what stays, how it is finished, and what is
done when the person gave no words. To add one, add a record, its words in the lexicon of `intent/`, and run
`python -m providers.catalog.pages`.

“Keeps the framing” says whether the picture is told to stay as it is framed; an edit that asks for another layout is
not. A new ratio, where the person names one, lifts it as well. Where a ratio is given in the table it is used when the
person names none; otherwise the picture keeps its own."""


def styles_page() -> str:
    """The whole of `docs/styles.md`."""
    parts = ["# Styles", _WRITTEN, _STYLES]
    for group, rows in _grouped(STYLE_GROUPS, style_rows()):
        parts.append(f"## {group.name_en} · {group.name_zh}")
        lines = [(*_lead(row), str(row["aspect_ratio"]), _kept(row["key"])) for row in rows]
        parts.append(_table(("Key", "Name", "名称", "Good for", "适合", "Ratio", "Likeness"), lines))
    parts += ["## Models · 模型", _models(), "## The prompts", "The likeness, said first:", f"> {LIKENESS_ONE}"]
    parts += [f"**`{style.key}`** {style.prompt}" for style in STYLES.values()]
    return "\n\n".join(parts) + "\n"


def actions_page() -> str:
    """The whole of `docs/actions.md`."""
    parts = ["# Edits", _WRITTEN, _ACTIONS]
    heads = ("Key", "Name", "名称", "What it does", "用途", "Needs", "Keeps the framing", "Ratio")
    for group, rows in _grouped(ACTION_GROUPS, action_rows()):
        parts.append(f"## {group.name_en} · {group.name_zh}")
        lines = [
            (
                *_lead(row),
                _needs(row),
                "yes" if ACTIONS[row["key"]].framing else "no",
                row["aspect_ratio"] or "the photo's",
            )
            for row in rows
        ]
        parts.append(_table(heads, lines))
    parts.append("## The prompts")
    for action in ACTIONS.values():
        parts.append(f"**`{action.key}`** {action.prompt}")
        if action.default_prompt:
            parts.append(f"Without words: *{action.default_prompt}*")
    return "\n\n".join(parts) + "\n"


def _grouped(groups: Mapping[str, Group], rows: Sequence[Row]) -> Iterable[tuple[Group, list[Row]]]:
    return ((group, [row for row in rows if row["group"] == group.key]) for group in groups.values())


def _lead(row: Row) -> tuple[str, str, str, str, str]:
    return (f"`{row['key']}`", row["name"]["en"], row["name"]["zh"], row["use"]["en"], row["use"]["zh"])


def _kept(key: str) -> str:
    return "kept" if STYLES[key].likeness else "drawn freely"


def _needs(row: Row) -> str:
    words = {"photo": "a photo", "second_photo": "a second photo", "text": "words"}
    return ", ".join(words[need] for need in row["needs"])


def _models() -> str:
    lines = [
        (f"`{m['key']}`", m["name"]["en"], m["use"]["en"], m["use"]["zh"], f"{m['seconds']} s") for m in model_rows()
    ]
    return _table(("Key", "Name", "Use", "用途", "About"), lines)


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write(into: Path = DOCS) -> None:
    """Write both pages into a folder."""
    into.mkdir(parents=True, exist_ok=True)
    (into / "styles.md").write_text(styles_page(), "utf-8")
    (into / "actions.md").write_text(actions_page(), "utf-8")


if __name__ == "__main__":
    write()
