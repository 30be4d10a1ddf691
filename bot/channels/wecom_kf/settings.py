"""The settings of WeCom customer service."""

import re

from pydantic import SecretStr

from bot.channels.settings import ChannelSettings

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")
"""43 characters of base64; the console makes them of letters and digits."""


class WeComKfSettings(ChannelSettings):
    turned_on_by = "WECOM_KF_CORP_ID, WECOM_KF_SECRET, WECOM_KF_TOKEN and WECOM_KF_AES_KEY"
    docs = "docs/wecom-kf.md"

    public_url: str | None = None
    wecom_kf_corp_id: str | None = None
    wecom_kf_secret: SecretStr | None = None
    wecom_kf_token: SecretStr | None = None
    wecom_kf_aes_key: SecretStr | None = None
    wecom_kf_api_url: str = "https://qyapi.weixin.qq.com"

    def _needed(self) -> tuple[object, ...]:
        return self.wecom_kf_corp_id, self.wecom_kf_secret, self.wecom_kf_token, self.wecom_kf_aes_key

    def is_set(self) -> bool:
        return any(self._needed())

    def is_ready(self) -> bool:
        return all(self._needed()) and not self._bad_key()

    def what_is_wrong(self) -> list[str]:
        if self.is_set() and not all(self._needed()):
            return [f"{self.turned_on_by} belong together; WeCom customer service stays off"]
        return ["WECOM_KF_AES_KEY is not 43 letters and digits; WeCom customer service stays off"] * self._bad_key()

    def _bad_key(self) -> bool:
        key = self.wecom_kf_aes_key
        return key is not None and not _AES_KEY.fullmatch(key.get_secret_value())


SETTINGS = WeComKfSettings
