"""Photos put into DashScope's temporary storage, for the models that take addresses only.

A policy is asked for (free, with the key), then the file is posted to the storage as a form, without the key: the
fields in the order in which the vendor's own client sends them, the file last. What is stored is for one model, 48
hours, and is named `oss://…`; a request with such an address says so in a header.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from providers.errors import LikenessError, MaybePaid, TellOperator, WaitAndRetry
from providers.media.threads import in_thread
from providers.net.bodies import FormFile, form
from providers.net.client import READ, SUBMIT, Client
from providers.net.outcome import connection_error
from providers.services.dashscope.answers import submit_error

RESOLVE = {"x-dashscope-ossresourceresolve": "enable"}
TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_FIELDS = ("policy", "signature", "upload_dir", "upload_host", "oss_access_key_id")


async def upload(client: Client, root: str, headers: Mapping[str, str], model: str, photo: Path) -> str:
    """The `oss://` address of the stored file.

    Nothing that is asked here is paid, so whatever goes wrong, the job was not taken. Raises NotTaken or AskPerson.
    """
    policy = await _policy(client, root, headers, model)
    name = f"{await in_thread(_digest, photo)}{photo.suffix}"
    type_ = TYPES.get(photo.suffix.lower(), "application/octet-stream")
    fields = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "key": f"{policy['upload_dir']}/{name}",
        "x-oss-object-acl": policy.get("x_oss_object_acl", "private"),
        "x-oss-forbid-overwrite": policy.get("x_oss_forbid_overwrite", "true"),
        "success_action_status": "200",
        "x-oss-content-type": type_,
    }
    file = FormFile(name="file", filename=name, type=type_, data=photo)
    try:
        with form({key: str(value) for key, value in fields.items()}, [file]) as parts:
            answer = await client.post(policy["upload_host"], headers={}, timeout=SUBMIT, files=parts)
    except httpx.TransportError as error:
        raise unsent(connection_error(error)) from None
    except httpx.InvalidURL:
        raise TellOperator("the storage's address is no address", code="provider_address") from None
    if not answer.ok:
        raise WaitAndRetry(f"the storage answers {answer.status}", code="provider_unavailable")
    return f"oss://{fields['key']}"


async def _policy(client: Client, root: str, headers: Mapping[str, str], model: str) -> dict[str, Any]:
    query = urlencode({"action": "getPolicy", "model": model})
    try:
        answer = await client.get(f"{root}/uploads?{query}", headers=headers, timeout=READ)
    except httpx.TransportError as error:
        raise unsent(connection_error(error)) from None
    except httpx.InvalidURL:
        raise TellOperator("the service's address is no address", code="provider_address") from None
    if not answer.ok:
        raise unsent(submit_error(answer))
    data = answer.get("data")
    if not isinstance(data, dict) or not all(isinstance(data.get(name), str) for name in _FIELDS):
        raise WaitAndRetry("no policy for an upload", code="provider_unavailable")
    return data


def unsent(error: LikenessError) -> LikenessError:
    """Of a call that starts no job, an unknown outcome is none."""
    return WaitAndRetry("an upload failed", code="provider_unavailable") if isinstance(error, MaybePaid) else error


def _digest(photo: Path) -> str:
    with photo.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
