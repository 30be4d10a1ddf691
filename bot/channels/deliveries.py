"""How deliveries end, counted the same way for every channel."""

from collections.abc import Awaitable

from bot.metrics import Metrics
from handlers.channel import Delivered, DeliveryError


async def counted(delivering: Awaitable[Delivered], *, metrics: Metrics, channel: str) -> Delivered:
    """Raises what `delivering` raises."""
    try:
        delivered = await delivering
    except DeliveryError as error:
        metrics.delivery(channel, error.code.removeprefix("delivery_"))
        raise
    metrics.delivery(channel, "held" if delivered.held else "sent")
    return delivered
