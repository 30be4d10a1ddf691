"""An error that is raised brings what its sentences leave room for: no sentence reaches a person with a hole in it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from handlers.words import texts
from providers.api.error_sentences import SENTENCES

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for room in ("bot", "handlers", "providers") for path in (ROOT / room).rglob("*.py"))


def _places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def _raised(tree: ast.AST) -> Iterator[tuple[int, str, str, set[str]]]:
    """Line, code, text key and parameters of each error whose code and parameters are written out at its call."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        given = {word.arg: word.value for word in node.keywords}
        code, key, params = given.get("code"), given.get("text_key"), given.get("params")
        if not (isinstance(code, ast.Constant) and isinstance(code.value, str)):
            continue
        if key is not None and not isinstance(key, ast.Constant):
            continue
        if params is not None and not isinstance(params, ast.Dict):
            continue
        names = {str(name.value) for name in params.keys if isinstance(name, ast.Constant)} if params else set[str]()
        yield node.lineno, code.value, str(key.value) if key is not None else f"error.{code.value}", names


def test_every_error_brings_what_its_sentences_have_room_for() -> None:
    sentences = {"zh": texts("zh"), "en": texts("en")}
    holes = []
    for path in MODULES:
        for line, code, key, names in _raised(ast.parse(path.read_text("utf-8"))):
            told = [known.get(key, "") for known in sentences.values()]
            told.append(SENTENCES.get(key.removeprefix("error."), SENTENCES.get(code, "")))  # on the command line
            lacking = set[str]().union(*map(_places, told)) - names
            if lacking:
                holes.append(f"{path.relative_to(ROOT)}:{line}: {key} lacks {sorted(lacking)}")
    assert not holes, "\n".join(holes)
