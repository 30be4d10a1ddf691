"""A server of one's own: which it is is found out, what it has is offered, and it goes by `local` too."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from providers import generate_image
from providers.configure import build_router
from providers.errors import AskPerson, WaitAndRetry
from providers.preferences import only
from providers.router import Router
from providers.settings import ProviderSettings
from providers.task import Operation, Task
from tests.servers.a1111 import FakeA1111
from tests.servers.comfyui import FakeComfyUI
from tests.servers.service import FakeService

CREATE = Task(operation=Operation.CREATE)


@pytest.fixture(params=["a1111", "comfyui"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, FakeService]]:
    fakes: dict[str, type[FakeService]] = {"a1111": FakeA1111, "comfyui": FakeComfyUI}
    with fakes[request.param].serving(key="") as serving:
        yield request.param, serving


def settings_for(origin: str, folder: Path, **more: object) -> ProviderSettings:
    values = {"stable_diffusion_local_base_url": origin, "data_dir": folder / "data", "output_dir": folder / "out"}
    return ProviderSettings(_env_file=None, **values, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def routed(settings: ProviderSettings) -> AsyncIterator[Router]:
    router = build_router(settings)
    try:
        await router.discover()
        yield router
    finally:
        await asyncio.gather(*(provider.aclose() for provider in router.providers))


async def test_whichever_answers_is_meant_by_local_and_named_by_its_own_key(
    server: tuple[str, FakeService], tmp_path: Path
) -> None:
    key, fake = server
    async with routed(settings_for(fake.origin, tmp_path)) as router:
        for name in ("local", key):
            assert [c.name for c in router.candidates(CREATE, only(name))] == [key]
        other = {"a1111": "comfyui", "comfyui": "a1111"}[key]
        assert (router.is_another(other), router.is_another(key)) == (True, False)
        with pytest.raises(AskPerson) as raised:
            router.candidates(CREATE, only(other))
        assert raised.value.code == "provider_cannot"


async def test_a_picture_by_local_is_free_and_says_who_made_it(server: tuple[str, FakeService], tmp_path: Path) -> None:
    key, fake = server
    settings = settings_for(fake.origin, tmp_path, poll_scale=0.01)
    made = await generate_image("a boat", provider="local", count=2, settings=settings)
    assert made["success"], made
    assert made["total_cost"] == 0
    assert {image["provider"] for image in made["images"]} == {key}
    assert fake.submits == 1


async def test_without_a_name_ones_own_server_is_found_too(server: tuple[str, FakeService], tmp_path: Path) -> None:
    key, fake = server
    async with routed(settings_for(fake.origin, tmp_path)) as router:
        assert router.candidates(CREATE)[0].name == key


async def test_a_server_that_is_away_is_told_where_it_is_named_and_passed_over_elsewhere(tmp_path: Path) -> None:
    with FakeComfyUI.serving() as gone:
        pass
    async with routed(settings_for(gone.origin, tmp_path)) as router:
        with pytest.raises(WaitAndRetry) as raised:
            router.candidates(CREATE, only("local"))
        assert raised.value.code == "provider_unavailable"
        with pytest.raises(AskPerson) as nobody:
            router.candidates(CREATE)
        assert nobody.value.code == "no_provider"
