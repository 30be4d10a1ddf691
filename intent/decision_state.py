"""One decision in the making: the message, what it chooses, and the notes that explain the outcome."""

import re
from typing import Any

from intent.controls import Controls, controls
from intent.extract import content
from intent.id_photos import id_photo_in
from intent.intent import Intent, Language, OperationName
from intent.parameter_reading import parameters_of
from intent.parameters import EditParameters
from intent.scan import Scan

SURE = 0.6
"""A reading below this probability is doubtful: where a second reader is set up, it is asked."""


class DecisionState:
    """The steps of one decision. `notes` keeps what led to it, for `explain`: a few steps only where `explained`."""

    def __init__(self, scan: Scan, *, explained: bool = False) -> None:
        self.scan = scan
        self.explained = explained
        self.notes: list[tuple[str, str]] = []
        self.c: Controls = controls(scan)
        self.language = language_of(scan)
        for line in self.c.evidence:
            self.note("chosen", line)

    def note(self, what: str, why: str) -> None:
        self.notes.append((what, why))

    def make(self, operation: OperationName, confidence: float, **fields: Any) -> Intent:
        if operation in ("none", "command"):
            fields.setdefault("photos_as", self.c.photos_as)
            return Intent(operation=operation, language=self.language, confidence=round(confidence, 2), **fields)
        fields.setdefault("count", self.c.count)
        if operation == "edit" and "parameters" not in fields and fields.get("action"):
            fields["parameters"] = parameters_of(fields["action"], fields.get("prompt"))
        if operation == "portrait" and str(fields.get("style")).startswith("id_photo"):
            found = id_photo_in(self.scan.raw, fields["count"])
            if found is not None:
                fields |= {"parameters": EditParameters(id_photo=found), "count": 1 if found.paper else fields["count"]}
        return Intent(
            operation=operation,
            model=self.c.model,
            aspect_ratio=fields.pop("aspect_ratio", self.c.ratio),
            provider=self.c.provider,
            consistency=self.c.consistency,
            priority=self.c.priority,
            service=self.c.service,
            not_services=tuple(dict.fromkeys(self.c.not_services)),
            count_said=self.c.count_said,
            photos_as=self.c.photos_as,
            language=self.language,
            confidence=round(min(1.0, max(0.05, confidence)), 2),
            **fields,
        )

    def whole(self, lead: re.Pattern[str] | None = None) -> str | None:
        return (
            content(self.scan, self.c, [], lead=lead)
            or content(self.scan, Controls(), [])
            or self.scan.raw.strip()
            or None
        )


_HAN = re.compile(r"[\u3400-\u9fff]")
_WORDS = re.compile(r"[a-z]+")


def language_of(scan: Scan) -> Language:
    head = scan.text[:400]
    if head.isascii():
        return "en"
    if not scan.latin:
        return "zh" if _HAN.search(head) else "en"
    han = len(_HAN.findall(head))
    return "zh" if han and han >= len(_WORDS.findall(head)) else "en"
