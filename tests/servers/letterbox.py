"""Where a fake service's webhooks arrive, for tests of the webhooks themselves."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.servers.service import FakeService


class Letterbox(FakeService):
    """`letters`: headers and body of each JSON, as they came; `sent`: everything, read."""

    def reset(self) -> None:
        super().reset()
        self.letters: list[tuple[dict[str, str], str]] = []

    @property
    def url(self) -> str:
        return f"{self.origin}/hook"

    def routes(self) -> Sequence[BaseRoute]:
        return [Route("/hook", self._take, methods=["POST"])]

    async def _take(self, request: Request) -> Response:
        if request.headers.get("content-type") == "application/json":
            self.letters.append((dict(request.headers), (await request.body()).decode()))
        await self.received(request)
        return Response()
