"""What an account may do towards its people; every right is assumed until it is refused."""

from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

Right = Literal["customer", "media", "menus"]


class Rights(BaseModel):
    """`customer`: customer messages and the typing state; `media`: uploads, so pictures in any message; `menus`: menu
    messages. Every right is assumed until it is refused."""

    model_config = ConfigDict(frozen=True)

    customer: bool = True
    media: bool = True
    permanent: bool = False
    """Only permanent material may be uploaded."""
    menus: bool = True
    asked: float = 0.0

    def told(self) -> str:
        """One line for the operator."""
        if not self.customer:
            pictures = "as pictures" if self.media else "as cards that open a page (PUBLIC_URL)"
            return f"passive replies only (an unverified account): results come when the person writes, {pictures}"
        return "customer messages" + ("" if self.media else ", but no uploads: results come as links")


class KnownRights(Protocol):
    """What a sender asks before it sends, and reports when it was refused."""

    async def now(self) -> Rights: ...

    async def lost(self, right: Right) -> None:
        """The platform has just refused it."""

    async def only_permanent(self) -> None:
        """The platform takes permanent material only."""
