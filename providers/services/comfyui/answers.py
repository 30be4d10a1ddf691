"""What an answer of ComfyUI means. The server is the operator's own and costs nothing, so a submit may be repeated.

    answer to POST /prompt                                    job           raised
    200 with prompt_id                                        taken         -
    400: the graph was refused (a class, file or value that
      the server no longer has)                               not taken     AskPerson     provider_rejected
    403: an Origin that is not its own                        not taken     TellOperator  provider_forbidden
    500 (no JSON reached it), 502, 504                        perhaps       MaybePaid     outcome_unknown
    anything that goes wrong with an upload before it         not taken     WaitAndRetry  provider_unavailable

    history of a prompt                                       raised
    error, with execution_error                               MadeNothing   provider_failed
    error, with execution_interrupted                         MadeNothing   provider_failed
    success without a picture                                 MadeNothing   made_nothing
    neither in the history nor in line, three times           MadeNothing   job_lost

Messages and tracebacks hold paths of the server; of them only the kinds of errors are shown to the operator.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from providers.errors import LikenessError, MadeNothing, MaybePaid, WaitAndRetry
from providers.net.outcome import Answer, rejected
from providers.net.outcome import submit_error as by_status


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """A file on the server, for `/view`."""

    filename: str
    subfolder: str
    type: str


def submit_error(answer: Answer) -> LikenessError:
    """Of a prompt that was not taken."""
    if answer.status == 400:
        return rejected(f"the graph was refused: {_kinds(answer)}")
    return by_status(answer)


def upload_error(answer: Answer) -> LikenessError:
    """Of an upload: nothing is asked for yet."""
    error = by_status(answer)
    if isinstance(error, MaybePaid):
        return WaitAndRetry(f"an upload was answered with {answer.status}", code="provider_unavailable")
    return error


def _kinds(answer: Answer) -> str:
    """The server's own names of what is wrong; never `details`, which lists its files, nor `extra_info`."""
    found = {answer.text("error", "type")}
    nodes = answer.get("node_errors")
    for node in nodes.values() if isinstance(nodes, dict) else ():
        errors = node.get("errors") if isinstance(node, dict) else None
        found |= {str(e.get("type", "")) for e in errors if isinstance(e, dict)} if isinstance(errors, list) else set()
    return ", ".join(sorted(kind for kind in found if kind.isidentifier()))[:120] or "no reason given"


def entry_of(answer: Answer, prompt_id: str) -> Mapping[str, Any] | None:
    """The history of a prompt, or None while it waits or runs, and for one nobody knows."""
    entry = answer.get(prompt_id)
    return entry if isinstance(entry, dict) else None


def end_error(entry: Mapping[str, Any]) -> LikenessError | None:
    """How a prompt ended without its pictures; None where it went well."""
    status = entry.get("status")
    status = status if isinstance(status, dict) else {}
    if status.get("status_str") == "error":
        return MadeNothing(_failure(status.get("messages")), code="provider_failed")
    if not any(True for _ in saved_of(entry)):
        return MadeNothing("a prompt without a picture")
    return None


def _failure(messages: Any) -> str:
    for message in messages if isinstance(messages, list) else ():
        name, told = message if isinstance(message, list) and len(message) == 2 else ("", {})
        if name == "execution_interrupted":
            return "it was interrupted"
        if name == "execution_error" and isinstance(told, dict):
            kind, node = str(told.get("exception_type", "")), str(told.get("node_type", ""))
            return " in ".join(word.rpartition(".")[2][:40] for word in (kind, node) if word.replace(".", "").isalnum())
    return "no reason given"


def saved_of(entry: Mapping[str, Any]) -> Iterator[Saved]:
    """The pictures of a prompt, those of the output folder: previews are of type `temp`."""
    outputs = entry.get("outputs")
    for node in outputs.values() if isinstance(outputs, dict) else ():
        images = node.get("images") if isinstance(node, dict) else None
        for image in images if isinstance(images, list) else ():
            if isinstance(image, dict) and image.get("filename") and image.get("type", "output") == "output":
                yield Saved(
                    filename=str(image["filename"]),
                    subfolder=str(image.get("subfolder", "")),
                    type=str(image.get("type", "output")),
                )


def place_in(answer: Answer, prompt_id: str) -> int | None:
    """From `/queue`: 0 for the prompt that runs, else how many are before it and one; None where it is in no line."""
    running, pending = (_ids(answer.get(name)) for name in ("queue_running", "queue_pending"))
    if prompt_id in running:
        return 0
    return pending.index(prompt_id) + 1 if prompt_id in pending else None


def _ids(queue: Any) -> list[str]:
    """In the order in which they will run: by number, which may be negative for one put in front."""
    jobs = [job for job in queue if isinstance(job, list) and len(job) > 1] if isinstance(queue, list) else []
    numbers = {id(job): job[0] if isinstance(job[0], int | float) else 0 for job in jobs}
    return [str(job[1]) for job in sorted(jobs, key=lambda job: numbers[id(job)])]
