"""Pictures into media ids: JPEG below 2 MB with a proper name, uploaded once and reused for three days."""

import logging

from bot.customer_messages.api import BAD_MEDIA, QUOTA_USED, UNAUTHORISED, NotReached, Unclear, WeChatApi, WeChatError
from bot.customer_messages.rights import KnownRights
from bot.result_pages.pages import Page, Pages
from providers.errors import LikenessError
from providers.media.preview import collage, fit_jpeg
from providers.media.threads import in_thread

log = logging.getLogger(__name__)

MAX_BYTES = 2 * 1024 * 1024 - 64 * 1024
"""The documentation says 2 MB in one place and 10 MB in another: stay below the smaller."""
ALL = "all"
"""All pictures of a result in one numbered collage."""


class MediaCache:
    def __init__(self, *, api: WeChatApi, rights: KnownRights, pages: Pages) -> None:
        self._api = api
        self._rights = rights
        self._pages = pages

    async def media_id(self, page_id: str, page: Page, which: str, *, anew: bool = False) -> str | None:
        """The media id of a picture (`1`, `2`, …) or of the collage; None if this account cannot have one now.

        `anew`: the platform does not know the one we had. Raises NotReached, Unclear (an upload may be repeated).
        """
        known = None if anew else page.media_id(which, self._pages.clock())
        if known is not None:
            return known
        rights = await self._rights.now()
        if not rights.media:
            return None
        try:
            jpeg = await self._jpeg(page, which)
        except (LikenessError, OSError) as error:
            log.error("a picture could not be prepared for upload: %s", type(error).__name__)
            return None
        return await self._upload(page_id, which, jpeg, permanent=rights.permanent)

    async def _jpeg(self, page: Page, which: str) -> bytes:
        for shown in page.pictures:
            await self._pages.at_hand(shown)
        if which == ALL:
            return await in_thread(collage, [shown.path for shown in page.pictures])
        return await in_thread(fit_jpeg, page.pictures[int(which) - 1].path, MAX_BYTES)

    async def _upload(self, page_id: str, which: str, jpeg: bytes, *, permanent: bool) -> str | None:
        try:
            media_id = await self._api.upload(f"likeness-{which}.jpg", jpeg, permanent=permanent)
        except (NotReached, Unclear):
            raise
        except WeChatError as error:
            if error.errcode == UNAUTHORISED and not permanent:
                # Unverified accounts have been seen to allow permanent material only.
                await self._rights.only_permanent()
                return await self._upload(page_id, which, jpeg, permanent=True)
            if error.errcode in (UNAUTHORISED, None):  # None: there is no such call
                await self._rights.lost("media")
            level = logging.WARNING if error.errcode == QUOTA_USED else logging.ERROR
            log.log(level, "an upload was refused, a card is sent instead: %s", error)
            return None
        await self._pages.uploaded(page_id, which, media_id, permanent=permanent)
        return media_id

    async def sweep(self) -> None:
        """Delete from the account the permanent material of deleted pages. Raises NotReached, Unclear."""
        for media_id in await self._pages.discarded():
            try:
                await self._api.delete_material(media_id)
            except (NotReached, Unclear):
                raise
            except WeChatError as error:
                if error.errcode not in BAD_MEDIA:
                    log.warning("permanent material could not be deleted: %s", error)
                    return
            await self._pages.deleted(media_id)
