"""What an AUTOMATIC1111 server has: checkpoints, upscalers, and the extensions that show by the paths they add."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from providers.checkpoints import Checkpoint
from providers.errors import WaitAndRetry
from providers.net.client import Client
from providers.net.outcome import Answer

API = "/sdapi/v1"
PLAIN = frozenset({"none", "lanczos", "nearest"})
"""Upscalers that are no models."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A set of ControlNet models that hold a face. `how`: for the result."""

    how: str
    units: tuple[tuple[str, str], ...]
    """(module, model) of each."""
    lora: str = ""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """`checkpoints`: titles. `controlnet`, `modules`, `loras`: names; empty where there is no such extension."""

    checkpoints: tuple[str, ...] = ()
    upscalers: tuple[str, ...] = ()
    controlnet: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    loras: tuple[str, ...] = ()
    rembg: bool = False

    @property
    def upscaler(self) -> str | None:
        """The model that enlarges: the usual one, else any but those for drawings, else any."""
        models = [name for name in self.upscalers if name.lower() not in PLAIN and "latent" not in name.lower()]
        photos = [name for name in models if "anime" not in name.lower()]
        return next(iter([n for n in photos if n.startswith("R-ESRGAN")] + photos + models), None)

    def identity(self, checkpoint: str) -> Identity | None:
        """What holds a face with this checkpoint, the closest first."""
        large = Checkpoint(name=checkpoint).side == 1024
        if large and (model := self._model("pulid")):
            return Identity(how="PuLID", units=(("ip-adapter_pulid", model),))
        points, adapter = self._model("control", "instant_id"), self._model("ip-adapter", "instant_id")
        if large and points and adapter:
            units = (("instant_id_face_embedding", adapter), ("instant_id_face_keypoints", points))
            return Identity(how="InstantID", units=units)
        family = "xl" if large else "sd15"
        if model := self._model("ip-adapter", "faceid", family):
            lora = next((name for name in self.loras if "faceid" in name.lower() and family in name.lower()), "")
            return Identity(how="IP-Adapter FaceID", units=(("ip-adapter-auto", model),), lora=lora)
        if model := self._model("ip-adapter", "face", family):
            return Identity(how="IP-Adapter", units=(("ip-adapter-auto", model),))
        return None

    def style(self, checkpoint: str) -> tuple[str, str] | None:
        """The ControlNet unit that takes the look of a picture with this checkpoint, as (module, model)."""
        family = "xl" if Checkpoint(name=checkpoint).side == 1024 else "sd15"
        names = [n for n in self.controlnet if "ip-adapter" in n.lower() and family in n.lower()]
        plain = [n for n in names if not any(word in n.lower() for word in ("face", "instant", "pulid"))]
        if plain:
            return "ip-adapter-auto", plain[0]
        return ("reference_only", "None") if "reference_only" in self.modules else None

    def _model(self, *words: str) -> str | None:
        found = (name for name in self.controlnet if all(word in name.lower() for word in words))
        return next(found, None)


async def look(client: Client, root: str, headers: dict[str, str]) -> Inventory | None:
    """None where the address is no AUTOMATIC1111's, or one started without --api. Raises TellOperator, WaitAndRetry."""
    models = await client.check(f"{root}{API}/sd-models", headers=headers)
    if not models.ok or not isinstance(models.body, list):
        return None

    async def names(path: str, key: str, within: str | None = None) -> tuple[str, ...]:
        return _names(await _asked(client, root + path, headers), key, within)

    return Inventory(
        checkpoints=_names(models, "title"),
        upscalers=await names(f"{API}/upscalers", "name"),
        controlnet=await names("/controlnet/model_list", "", "model_list"),
        modules=await names("/controlnet/module_list", "", "module_list"),
        loras=await names(f"{API}/loras", "name"),
        rembg=await _has(client, root, headers, "/rembg"),
    )


async def _has(client: Client, root: str, headers: dict[str, str], path: str) -> bool:
    """Whether an extension added this path: the server describes itself, or else refuses a GET of it by its method."""
    described = await _asked(client, f"{root}/openapi.json", headers)
    paths = described.get("paths")
    if isinstance(paths, dict):
        return path in paths
    return (await _asked(client, root + path, headers)).status == 405


async def _asked(client: Client, url: str, headers: dict[str, str]) -> Answer:
    """An extension that answers with an error is one that is not there."""
    try:
        return await client.get(url, headers=headers)
    except httpx.TransportError as error:
        raise WaitAndRetry(f"no connection ({type(error).__name__})", code="provider_unavailable") from None


def _names(answer: Answer, key: str, within: str | None = None) -> tuple[str, ...]:
    """Empty where the path is not there, or answers something else."""
    items: Any = answer.body if within is None else answer.get(within)
    if not answer.ok or not isinstance(items, list):
        return ()
    found: Sequence[Any] = [item.get(key) if isinstance(item, dict) else item for item in items]
    return tuple(name for name in found if isinstance(name, str) and name and name != "None")
