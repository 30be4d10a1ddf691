"""Why a message was read as it was: the words found, what each step made of them, and the reading."""

from dataclasses import dataclass

from intent.decide import decide
from intent.intent import Intent
from intent.scan import Scan


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Print it. `found` are (words, what they mean); `notes` are (step, why), in the order they were taken."""

    text: str
    matched: str
    """What the lexicon was matched against: normalized, slips of the hand mended."""
    found: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, str], ...]
    intent: Intent

    def __str__(self) -> str:
        lines = [f"text     {self.text!r}"]
        if self.matched != self.text:
            lines.append(f"matched  {self.matched!r}")
        lines += [f"found    {words!r}: {meaning}" for words, meaning in self.found]
        lines += [f"{step:8s} {why}" for step, why in self.notes]
        told = {k: v for k, v in self.intent.as_dict().items() if v not in (None, [], "") and k != "alternatives"}
        lines.append("reading  " + ", ".join(f"{k}={v!r}" for k, v in told.items()))
        lines += _parameters(self.intent)
        for other in self.intent.alternatives:
            lines.append(f"or       {other.operation} {other.style or other.action or other.prompt or ''}".rstrip())
        return "\n".join(lines)


def _parameters(intent: Intent) -> list[str]:
    """What the words say beyond the contract's fields."""
    wishes = {"likeness": intent.consistency, "first": intent.priority}
    lines = [f"{name:8s} {value}" for name, value in wishes.items() if value is not None]
    steps = ((intent.action, intent.parameters), *((t.action, t.parameters) for t in intent.then))
    for action, parameters in steps if intent.operation == "edit" else ():
        said = {k: v for k, v in parameters.as_dict().items() if v not in (None, (), False)}
        lines.append(f"needs    {action}: " + ", ".join(f"{k}={v!r}" for k, v in said.items()))
    return lines


def explain(text: str, *, photos: int = 0, group: bool = False) -> Explanation:
    """The same reading as `intent.parse`, with the words that led to it."""
    scan = Scan(text, photos)
    intent, notes = decide(scan, group=group, explained=True)
    found: dict[tuple[int, int], list[str]] = {}
    for hit in scan.hits:
        name = f"{hit.kind} {hit.key}" + (" (weak)" if hit.weak else "")
        found.setdefault((hit.start, hit.end), []).append(name)
    return Explanation(
        text=text,
        matched=scan.text,
        found=tuple((scan.text[a:b], ", ".join(names)) for (a, b), names in found.items()),
        notes=tuple(notes),
        intent=intent,
    )
