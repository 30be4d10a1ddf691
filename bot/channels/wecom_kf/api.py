"""The platform's calls. Those that send correspond to the ones of official accounts.

Source: WeCom documentation 94670 (sync_msg), 94677 (send_msg), 95122 (send_msg_on_event), 94669 (service_state).
"""

from collections.abc import Mapping
from typing import Any

from bot.customer_messages.api import BUDGET_USED, NO_FOLLOWER, OUTSIDE_WINDOW, WeChatApi, WeChatError

LIMIT = 1000
"""Messages of one call."""
QUEUED, BY_A_PERSON = 2, 3
"""The states of a session that waits for a person, or has one."""
MEANS = {95001: BUDGET_USED, 95002: OUTSIDE_WINDOW, 95018: BUDGET_USED}
"""Their codes in terms of customer messages. 95018: a human agent serves, so nothing can be sent until the next
message."""
REFUSED = min(NO_FOLLOWER)


class KfApi(WeChatApi):
    """`openid` of the calls that send is `ACCOUNT/PERSON`: the service account's id and the person's."""

    menu_most = 10

    async def send(self, openid: str, message: Mapping[str, Any], *, name: str = "") -> None:
        account, _, person = openid.partition("/")
        whose = {"touser": person, "open_kfid": account} | ({"msgid": name} if name else {})
        try:
            await self._json("kf/send_msg", {**whose, **translated(message)})
        except WeChatError as error:
            if error.errcode in MEANS:
                raise WeChatError(MEANS[error.errcode]) from None
            raise

    async def typing(self, openid: str) -> None:
        """There is no such sign here."""

    async def welcome(self, code: str, message: Mapping[str, Any]) -> None:
        """Within 20 seconds of somebody's arrival, once; it is not counted."""
        await self._json("kf/send_msg_on_event", {"code": code, **translated(message)})

    async def sync(self, account: str, *, cursor: str, token: str) -> dict[str, Any]:
        body = {"open_kfid": account, "cursor": cursor, "token": token, "limit": LIMIT, "voice_format": 0}
        return await self._json("kf/sync_msg", {name: value for name, value in body.items() if value != ""})

    async def hand_over(self, openid: str) -> None:
        """The person waits for a human agent."""
        account, _, person = openid.partition("/")
        body = {"open_kfid": account, "external_userid": person, "service_state": QUEUED}
        await self._json("kf/service_state/trans", body)

    async def state(self, openid: str) -> int:
        """Of the session: 0 new, 1 the bot's, 2 and 3 a person's, 4 over."""
        account, _, person = openid.partition("/")
        said = await self._json("kf/service_state/get", {"open_kfid": account, "external_userid": person})
        state = said.get("service_state")
        return state if isinstance(state, int) else 0


def translated(message: Mapping[str, Any]) -> dict[str, Any]:
    """A customer message of an official account as one of this platform."""
    kind = message["msgtype"]
    if kind == "msgmenu":
        menu = message["msgmenu"]
        rows = [{"type": "click", "click": dict(row)} for row in menu["list"]]
        return {"msgtype": kind, "msgmenu": {**menu, "list": rows}}
    if kind == "news":
        (article,) = message["news"]["articles"]
        return {"msgtype": "text", "text": {"content": f"{article['title']}\n{article['url']}"}}
    return dict(message)
