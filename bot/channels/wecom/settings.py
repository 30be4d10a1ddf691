"""The WeCom smart bot's settings."""

import re
from typing import Literal

from pydantic import Field, SecretStr

from bot.channels.settings import ChannelSettings

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")
"""43 characters of base64; the console makes them of letters and digits."""

Mode = Literal["callback", "line"]


class WeComSettings(ChannelSettings):
    turned_on_by = "WECOM_BOT_TOKEN and WECOM_BOT_AES_KEY, or WECOM_BOT_ID and WECOM_BOT_SECRET"
    docs = "docs/wecom.md"

    public_url: str | None = None
    wecom_bot_token: SecretStr | None = None
    wecom_bot_aes_key: SecretStr | None = None
    wecom_bot_id: str | None = None
    wecom_bot_secret: SecretStr | None = None
    wecom_bot_name: str | None = None
    wecom_ws_url: str = "wss://openws.work.weixin.qq.com"
    wecom_api_url: str = "https://qyapi.weixin.qq.com"
    wecom_media_hosts: str = "*.myqcloud.com"
    wecom_stream_seconds: float = Field(330, gt=0, le=360)
    wecom_ping_seconds: float = Field(30, gt=0)
    wecom_ack_seconds: float = Field(15, gt=0)

    @property
    def mode(self) -> Mode | None:
        """How the bot is connected; None if the settings for it are not complete."""
        if self.wecom_bot_id and self.wecom_bot_secret:
            return "line"
        if self.wecom_bot_token and self.wecom_bot_aes_key and not self._bad_key():
            return "callback"
        return None

    @property
    def media_hosts(self) -> tuple[str, ...]:
        return tuple(host.strip() for host in self.wecom_media_hosts.split(",") if host.strip())

    def is_set(self) -> bool:
        # The id alone turns nothing on: it only says which bot's callbacks are ours.
        return any((self.wecom_bot_token, self.wecom_bot_aes_key, self.wecom_bot_secret))

    def is_ready(self) -> bool:
        return self.mode is not None

    def what_is_wrong(self) -> list[str]:
        found = []
        if self.wecom_bot_secret and not self.wecom_bot_id:
            found.append("WECOM_BOT_ID and WECOM_BOT_SECRET belong together; the long connection stays off")
        if self.mode != "line" and bool(self.wecom_bot_token) != bool(self.wecom_bot_aes_key):
            found.append("WECOM_BOT_TOKEN and WECOM_BOT_AES_KEY belong together; the callback stays off")
        if self._bad_key():
            found.append("WECOM_BOT_AES_KEY is not 43 letters and digits; the callback stays off")
        if not self.wecom_ws_url.startswith(("wss://", "ws://")):
            found.append("WECOM_WS_URL does not begin with wss://")
        return found

    def what_is_missed(self) -> list[str]:
        """What works, but not as the operator may expect."""
        found = []
        if self.mode == "line" and (self.wecom_bot_token or self.wecom_bot_aes_key):
            found.append(
                "WECOM_BOT_ID and WECOM_BOT_SECRET are set, so the long connection is used; "
                "WECOM_BOT_TOKEN and WECOM_BOT_AES_KEY are not"
            )
        if self.mode == "callback" and not self.public_url:
            found.append("without PUBLIC_URL a picture that takes longer than five minutes comes with the next message")
        return found

    def _bad_key(self) -> bool:
        key = self.wecom_bot_aes_key
        return key is not None and not _AES_KEY.fullmatch(key.get_secret_value())


SETTINGS = WeComSettings
