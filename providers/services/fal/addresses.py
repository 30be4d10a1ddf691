"""Where a job is asked about, and which addresses may be given the key.

fal answers a submit with the addresses of the job. They are used as they are when they lie where the key belongs:

    queue configured        address in the answer                 used
    fal's own               on one of fal's own queue hosts       as it is
    anything (a proxy)      below the configured root             as it is
    any                     anywhere else                         rebuilt on the configured root

The last row is a proxy whose answers still name queue.fal.run (the key is the proxy's, not fal's), and an answer that
was tampered with. Rebuilt is `<root>/<owner>/<app>/requests/<id>`: the sub path of the endpoint is dropped, and the
name spaces `workflows` and `comfy` count as one more segment.
"""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote, urlsplit

FAL_QUEUE = "https://queue.fal.run"
FAL_HOSTS = frozenset({"queue.fal.run", "queue.falrun.com"})
NAME_SPACES = frozenset({"workflows", "comfy"})

What = Literal["status", "response", "cancel"]
_TAILS: Mapping[What, str] = {"status": "/status", "response": "", "cancel": "/cancel"}


def origin(url: str) -> tuple[str, str, int] | None:
    """(scheme, host, port), or None for anything that is no plain http(s) address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)


def may_have_key(url: str, root: str) -> bool:
    """Whether the key that belongs to `root` may be sent to `url`."""
    there, here = origin(url), origin(root)
    if there is None or here is None:
        return False
    if there == here:
        return urlsplit(url).path.startswith(f"{urlsplit(root).path.rstrip('/')}/")
    return _is_fal(here) and _is_fal(there)


def _is_fal(place: tuple[str, str, int]) -> bool:
    scheme, host, port = place
    return scheme == "https" and host in FAL_HOSTS and port == 443


def app_of(endpoint: str) -> str:
    """`fal-ai/nano-banana-pro/edit` → `fal-ai/nano-banana-pro`."""
    parts = endpoint.strip("/").split("/")
    return "/".join(parts[: 3 if parts[0] in NAME_SPACES else 2])


def address(what: What, *, root: str, endpoint: str, request_id: str, given: Mapping[str, Any]) -> str:
    """The address of a job: the one given with the submit answer where it may have the key, else the rebuilt one."""
    url = given.get(f"{what}_url")
    if isinstance(url, str) and may_have_key(url, root):
        return url
    return f"{root}/{app_of(endpoint)}/requests/{quote(request_id, safe='')}{_TAILS[what]}"


def stream_of(status_url: str) -> str:
    """The event stream beside a status address, whatever query that one carries."""
    return f"{status_url.split('?', 1)[0].rstrip('/')}/stream"
