"""What each service could do if it were configured: for the sentence that says who could, not for routing.

From the services' own descriptions, as of November 2026; a configured provider speaks for itself instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from providers.base import MODELS, Capabilities, Operation

_ALL = frozenset(MODELS)
_EVERYTHING = frozenset(Operation)


@dataclass(frozen=True, kw_only=True)
class Known:
    """One service: its name for people and the setting that turns it on; `supported`: whether this version uses it."""

    label: str
    setting: str
    capabilities: Capabilities
    supported: bool = False


KNOWN: Mapping[str, Known] = {
    "fal": Known(
        label="fal",
        setting="FAL_KEY",
        capabilities=Capabilities(
            operations=_EVERYTHING, models=_ALL, max_count=4, masks=True, mask_models=frozenset({"gpt"})
        ),
        supported=True,
    ),
    "openai": Known(
        label="OpenAI",
        setting="OPENAI_API_KEY",
        capabilities=Capabilities(operations=_EVERYTHING, models=_ALL, max_count=8, masks=True),
    ),
    "bfl": Known(
        label="Black Forest Labs",
        setting="BFL_API_KEY",
        capabilities=Capabilities(operations=_EVERYTHING, models=_ALL, masks=True),
    ),
    "replicate": Known(
        label="Replicate",
        setting="REPLICATE_API_TOKEN",
        capabilities=Capabilities(operations=_EVERYTHING, models=_ALL, max_count=4, masks=True),
    ),
    "openrouter": Known(
        label="OpenRouter",
        setting="OPENROUTER_API_KEY",
        capabilities=Capabilities(operations=_EVERYTHING, models=_ALL, max_count=8),
    ),
    "stability": Known(  # keeps no face, so no portraits and none of the edits that mean a person
        label="Stability AI",
        setting="STABILITY_API_KEY",
        capabilities=Capabilities(
            operations=frozenset({Operation.EDIT, Operation.CREATE}),
            models=_ALL,
            actions=frozenset(
                {"local_edit", "extend", "replace_bg", "upscale", "remove_person", "variations", "transfer_style"}
            ),
            max_photos=2,
            masks=True,
        ),
    ),
    "dashscope": Known(
        label="DashScope",
        setting="DASHSCOPE_API_KEY",
        capabilities=Capabilities(operations=_EVERYTHING, models=_ALL, max_photos=3, max_count=4),
    ),
    "local": Known(
        label="a Stable Diffusion server of your own",
        setting="STABLE_DIFFUSION_LOCAL_BASE_URL",
        capabilities=Capabilities(
            operations=frozenset({Operation.EDIT, Operation.CREATE}),
            models=_ALL,
            actions=frozenset({"edit", "local_edit", "extend", "upscale", "remove_person", "variations", "filter"}),
            max_photos=1,
            max_count=8,
            masks=True,
        ),
    ),
}
"""In the order in which they are tried where nothing else is said; the embedded provider comes after all of them."""
