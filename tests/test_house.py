"""The house rules that a program can hold: imports point one way, words are in step, modules stay readable."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from handlers.words import texts

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "handlers", "intent", "providers")
MAY_IMPORT = {
    "bot": {"bot", "handlers", "intent", "providers"},
    "handlers": {"handlers", "intent", "providers"},
    "intent": {"intent"},
    "providers": {"providers"},
}
CHANNEL_LIBRARIES = {"telegram", "wechatpy", "starlette", "uvicorn", "click"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@cache
def imports(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return tuple(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))


def imported(path: Path) -> set[str]:
    """Top-level names a module imports, wherever in the module."""
    found: set[str] = set()
    for node in imports(path):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        else:
            assert node.level == 0, f"{path}: relative import"
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    for path in modules(package):
        names = imported(path)
        wrong = names & set(PACKAGES) - MAY_IMPORT[package]
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"
        assert "tests" not in names, f"{path.relative_to(ROOT)} imports tests"


def test_only_the_public_surface_hands_out_what_stands_above_it() -> None:
    """`providers.edit_image` is `bot.python_api`'s, because its words are read by `intent`; nothing else reaches up."""
    for package in ("handlers", "intent", "providers"):
        above = "|".join(set(PACKAGES) - MAY_IMPORT[package])
        for path in modules(package):
            named = re.findall(rf"[\"']((?:{above})\.[a-z_.]+)[\"']", path.read_text("utf-8"))
            allowed = ["bot.python_api"] if path == ROOT / "providers" / "__init__.py" else []
            assert [name for name in named if not name.endswith(".toml")] == allowed, path


WALLS = {
    "handlers/dialogue": ("handlers.jobs",),
    "handlers/jobs": ("handlers.dialogue",),
    "handlers/store": ("handlers.dialogue", "handlers.jobs"),
    "bot/channels": (
        "bot.app",
        "bot.web_app",
        "bot.cli",
        "handlers.dialogue",
        "handlers.jobs",
        "intent",
        "providers.catalog",
    ),
    "providers/services": ("providers.router", "providers.api", "providers.configure", "providers.embedded"),
    "providers/media": ("providers.services", "providers.embedded", "providers.router", "providers.api"),
    "providers/net": ("providers.services", "providers.embedded", "providers.media", "providers.router"),
}
"""What the modules of a folder must not import, wherever in the module."""


def imported_modules(path: Path) -> set[str]:
    """Every module a module imports, by its full name."""
    found: set[str] = set()
    for node in imports(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("folder", sorted(WALLS))
def test_rooms_that_must_not_know_each_other_do_not(folder: str) -> None:
    for path in modules(folder):
        for name in imported_modules(path):
            wrong = [wall for wall in WALLS[folder] if name == wall or name.startswith(f"{wall}.")]
            assert not wrong, f"{path.relative_to(ROOT)} imports {name}"


def test_channels_and_services_do_not_know_their_neighbours() -> None:
    for folder in ("bot/channels", "providers/services"):
        package = folder.replace("/", ".")
        for path in modules(folder):
            inside = path.relative_to(ROOT / folder).parts
            own = f"{package}.{Path(inside[0]).stem}"
            for name in imported_modules(path):
                if len(inside) == 1 or not name.startswith(f"{package}.") or f"{name}.".startswith(f"{own}."):
                    continue
                shared = (ROOT / folder / f"{name.split('.')[2]}.py").is_file()
                assert shared, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("package", ["handlers", "intent", "providers"])
def test_only_the_bot_knows_channel_libraries(package: str) -> None:
    for path in modules(package):
        wrong = imported(path) & CHANNEL_LIBRARIES
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_both_languages_hold_the_same_keys_and_placeholders() -> None:
    zh, en = texts("zh"), texts("en")
    assert set(zh) == set(en)
    for key in en:
        assert set(re.findall(r"{(\w+)", zh[key])) == set(re.findall(r"{(\w+)", en[key])), key


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    source = "\n".join(path.read_text("utf-8") for package in PACKAGES for path in modules(package))
    used = set(re.findall(r'"((?:say|choice|unit|name|state|job|status)\.[a-z_0-9]+)"', source))
    assert used <= set(texts("en")), used - set(texts("en"))
    for key in texts("en"):
        table, _, name = key.partition(".")
        # A key may be put together from its table and a name that stands in the source by itself.
        named = (
            f'"{key}"' in source
            or f'"{name}"' in source
            or any(f'"{table}.{part}_{{' in source for part in _starts(name))
        )
        assert table in ("error", "state") or named, key


def _starts(name: str) -> list[str]:
    """`lang_zh` → `lang`: keys such as f"choice.lang_{language}"."""
    words = name.split("_")
    return ["_".join(words[:n]) for n in range(1, len(words))]


def test_no_module_is_called_after_nothing() -> None:
    for package in PACKAGES:
        for path in modules(package):
            assert path.stem not in ("utils", "helpers", "common", "manager"), path


def test_long_modules_say_why() -> None:
    for package in (*PACKAGES, "tests", "bench"):
        for path in modules(package):
            lines = path.read_text("utf-8").splitlines()
            if len(lines) > 450:
                first = ast.get_docstring(ast.parse("\n".join(lines))) or ""
                assert "long" in first.splitlines()[0].lower(), f"{path.relative_to(ROOT)}: {len(lines)} lines"


def test_no_address_of_a_registry_and_no_path_of_a_machine_is_kept() -> None:
    names = re.compile(r"https?://[^ \"]+/(?:simple|packages)/|https?://[^ \"]+\.(?:whl|tgz)|/root/|/home/\w+/")
    for path in ROOT.rglob("*"):
        relative = path.relative_to(ROOT)
        if relative.parts[0].startswith(".") or relative.parts[0] in ("data", "output") or not path.is_file():
            continue
        if path.suffix in (".py", ".md", ".toml", ".lock", ".txt", ".html", ".js", ".css", ".cfg", ".jsonl", ""):
            if relative == Path("tests/test_house.py"):
                continue
            assert not names.search(path.read_text("utf-8", errors="replace")), relative
