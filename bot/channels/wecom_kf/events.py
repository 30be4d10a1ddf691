"""What sync_msg returns, as one frozen value. Only what is used is kept.

Source: WeCom documentation 94670. `origin`: 3 a person of WeChat, 4 the system, 5 an agent of the company.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from handlers.message import Chat

CHANNEL = "wecom_kf"
CUSTOMER, SYSTEM = 3, 4
MAX_TEXT = 4000
SESSION_ENDS = 3
"""`change_type` of a session: 1 and 2 an agent took it, 3 it ended, 4 an agent took it again."""

Sort = Literal["text", "photo", "tap", "unsupported", "enter", "failed", "served", "ended"]


class Event(BaseModel):
    """`key` names it permanently. `account`: the service account. `code`: of a welcome. `scene`: the parameter of the
    link or code that brought the person here. `at`: seconds since 1970.

    `failed`: why a message of ours did not arrive, and `about` its name.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    account: str
    person: str
    sort: Sort
    at: float = 0.0
    text: str = ""
    tapped: str = ""
    media_id: str = ""
    code: str = ""
    scene: str = ""
    failed: int = 0
    about: str = ""

    @property
    def openid(self) -> str:
        """The person towards this account: each has its own budget."""
        return f"{self.account}/{self.person}"

    @property
    def chat(self) -> Chat:
        return Chat(channel=CHANNEL, chat=self.openid, person=self.openid)

    @property
    def is_message(self) -> bool:
        """Whether it allows us to send five messages."""
        return self.sort in ("text", "photo", "tap", "unsupported")


def read_event(data: Any) -> Event | None:
    """None if it does not concern us: sent by us or an agent, or of an unknown kind."""
    if not isinstance(data, Mapping):
        return None
    kind, origin = data.get("msgtype"), data.get("origin")
    found = _of_event(data) if kind == "event" else _of_message(data) if origin == CUSTOMER else None
    who = data.get("event", {}) if kind == "event" else data
    account, person, key = _text(who, "open_kfid"), _text(who, "external_userid"), _text(data, "msgid")
    if found is None or not (account and person and key):
        return None
    at = data.get("send_time")
    return Event(key=key, account=account, person=person, at=float(at) if isinstance(at, int) else 0.0, **found)


def _of_message(data: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(data.get("msgtype"))
    member = data.get(kind)
    if kind == "text":
        tapped = _text(member, "menu_id")
        return {"sort": "tap" if tapped else "text", "text": _text(member, "content")[:MAX_TEXT], "tapped": tapped}
    if kind == "image" and (media_id := _text(member, "media_id")):
        return {"sort": "photo", "media_id": media_id}
    return {"sort": "unsupported"}


def _of_event(data: Mapping[str, Any]) -> dict[str, Any] | None:
    event = data.get("event")
    match _text(event, "event_type"):
        case "enter_session":
            return {"sort": "enter", "code": _text(event, "welcome_code"), "scene": _text(event, "scene_param")}
        case "msg_send_fail":
            why = event.get("fail_type") if isinstance(event, Mapping) else 0
            about = _text(event, "fail_msgid")
            return {"sort": "failed", "failed": why if isinstance(why, int) else 0, "about": about}
        case "session_status_change":
            change = event.get("change_type") if isinstance(event, Mapping) else 0
            return {"sort": "ended" if change == SESSION_ENDS else "served"}
    return None


def _text(data: Any, name: str) -> str:
    found = data.get(name) if isinstance(data, Mapping) else None
    return found if isinstance(found, str) else ""
