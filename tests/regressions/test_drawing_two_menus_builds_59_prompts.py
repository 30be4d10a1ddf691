"""To draw the menus of styles and edits, a prompt was built for each of their entries, which nobody read."""

import sys
from pathlib import Path
from types import FrameType

from handlers.dialogue.menus import EDITS_OFFERED, actions_possible, possible_with, styles_possible
from handlers.jobs.plan import quoted
from handlers.order import Edit, Order, Shot
from providers import prompts
from providers.catalog import STYLES
from providers.fake import FakeProvider
from providers.router import Router


def test_both_menus_are_priced_without_a_single_prompt() -> None:
    built: list[str] = []

    def seen(frame: FrameType, event: str, _: object) -> None:
        if (
            event == "call"
            and frame.f_code.co_filename == prompts.__file__
            and not frame.f_code.co_name.startswith("<")
        ):
            built.append(frame.f_code.co_name)

    possible = possible_with(quoted(Router([FakeProvider(name="fal")])))
    base = Order(operation="portrait", shots=(Shot(style="professional"),), photos=(Path("me.jpg"),))
    edits = base.model_copy(update={"operation": "edit", "shots": (Shot(edits=(Edit(action="edit"),)),)})
    sys.setprofile(seen)
    try:
        styles, actions = styles_possible(base, possible), actions_possible(edits, possible)
    finally:
        sys.setprofile(None)
    assert (len(styles), len(actions)) == (len(STYLES), len(EDITS_OFFERED))
    assert built == []
