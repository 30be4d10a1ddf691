"""WeChat's settings."""

import re

from pydantic import SecretStr

from bot.channels.settings import ChannelSettings

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")
"""43 characters of base64; the console makes them of letters and digits."""


class WeChatSettings(ChannelSettings):
    turned_on_by = "WECHAT_APP_ID, WECHAT_APP_SECRET and WECHAT_TOKEN"
    docs = "docs/wechat.md"

    public_url: str | None = None
    wechat_app_id: str | None = None
    wechat_app_secret: SecretStr | None = None
    wechat_token: SecretStr | None = None
    wechat_encoding_aes_key: SecretStr | None = None
    wechat_encoding_aes_key_previous: SecretStr | None = None
    wechat_api_url: str = "https://api.weixin.qq.com"

    def _needed(self) -> tuple[object, ...]:
        return self.wechat_app_id, self.wechat_app_secret, self.wechat_token

    def is_set(self) -> bool:
        return any(self._needed())

    def is_ready(self) -> bool:
        return all(self._needed()) and not self._bad_keys()

    def what_is_wrong(self) -> list[str]:
        if self.is_set() and not all(self._needed()):
            return ["WECHAT_APP_ID, WECHAT_APP_SECRET and WECHAT_TOKEN belong together; WeChat stays off"]
        return [f"{name} is not 43 letters and digits; WeChat stays off" for name in self._bad_keys()]

    def _bad_keys(self) -> list[str]:
        keys = {
            "WECHAT_ENCODING_AES_KEY": self.wechat_encoding_aes_key,
            "WECHAT_ENCODING_AES_KEY_PREVIOUS": self.wechat_encoding_aes_key_previous,
        }
        return [name for name, key in keys.items() if key and not _AES_KEY.fullmatch(key.get_secret_value())]


SETTINGS = WeChatSettings
