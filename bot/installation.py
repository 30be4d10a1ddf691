"""The secret that all processes of an installation share: it signs cookies and addresses."""

import asyncio
import hashlib

from bot.channels.web.cookies import load_secret
from bot.settings import Settings
from handlers.store.base import Store

NOT_THE_ONE = "the secret differs from that of earlier processes; set INSTALLATION_SECRET to the same value for all"
_SPACE, _KEY = "installation", "secret"


async def secret_of(settings: Settings) -> bytes:
    """`INSTALLATION_SECRET`, or the one in `DATA_DIR`, made at the first start."""
    if settings.installation_secret is not None:
        return settings.installation_secret.get_secret_value().encode()
    return await asyncio.to_thread(load_secret, settings.data_dir / "secret")


async def is_the_one(store: Store, secret: bytes) -> bool:
    """Whether it is the secret of the first process that used this database. Its hash is stored, never itself."""
    mark = hashlib.sha256(b"likeness.installation\x1f" + secret).hexdigest()
    return await store.add_value(_SPACE, _KEY, mark) or await store.value(_SPACE, _KEY) == mark
