"""From a message to its reading: the rules and the learned model choose the core, rules read the slots."""

import re
from collections.abc import Sequence
from dataclasses import replace

from intent.commands import foreign_slash, goes_on, perhaps, slash
from intent.core import ASKED, core_of
from intent.decision_state import SURE, DecisionState
from intent.evidence import Evidence, gather
from intent.intent import Intent
from intent.model import Model, model
from intent.own_looks import only_a_look
from intent.plain_changes import only_a_change, only_a_style
from intent.policy import GROUP, PRIVATE, Decision, decide_by_cost
from intent.realize import realize
from intent.rules import by_rules
from intent.scan import Scan
from intent.signals import Floats
from intent.statements import refuses_only
from intent.steps import with_steps
from intent.thresholds import ID_NAMED
from intent.widening import is_only_widening

_WORD = re.compile(r"[^\W_]")
_TRIED = 8
"""Cores, likeliest first, that are tried for a reading: some cannot be read out of these words."""
_OFFERED = 3
"""Readings beside the first."""
_HEARD = 0.5
"""A word to the bot that is less likely than this is not followed."""
_ALONE = 0.93
"""A picture that only the model reads, in words of which the rules make nothing, is begun from here on."""
_NAMED = 0.6
"""A style that is said as one ("anime style", 汉服风格) and is the likeliest reading is made from here on: what else is
said is its scene, and nobody wants to be asked whether they meant what they named."""
_UNLIKELY = 0.004
"""What is less likely than this is nobody's second reading: reading the slots for it costs time."""


def decide(
    scan: Scan, *, group: bool = False, explained: bool = False, learned: Model | None = None
) -> tuple[Intent, list[tuple[str, str]]]:
    """The reading, and the notes that led to it where it is to be `explained`.

    `group`: the message was said to the bot in a group, where silence weighs more. `learned`: another model than the
    one that lies here, for measuring.
    """
    r = DecisionState(scan, explained=explained)
    certain = _certain(r)
    if certain is not None:
        return replace(certain, decision="silent" if certain.operation == "none" else "act"), r.notes
    e = gather(scan, r.c)
    if explained:
        _note(r, e)
    rules = by_rules(r, e)
    if rules.operation != "command" and (change := only_a_change(e)) is not None:
        r.note("action", f"{change.action}: {change.why}")
        plain = r.make("edit", 0.96, action=change.action, prompt=r.whole())
        return replace(plain, decision="act"), r.notes
    return _chosen(r, e, rules, learned or model(), group=group), r.notes


def _certain(r: DecisionState) -> Intent | None:
    """What needs no weighing: a slash command, no words at all, a bare refusal, an order that is all sides, a look."""
    named = slash(r.scan.text)
    if named:
        r.note("command", f"/{named}")
        return r.make("command", 1.0, command=named)
    if not r.scan.hits and foreign_slash(r.scan.text):
        r.note("none", "a command that is none of ours")
        return r.make("none", 1.0)
    if not r.scan.hits and not _WORD.search(r.scan.text):
        r.note("none", "no words")
        return r.make("none", 1.0)
    if refuses_only(r.scan):
        r.note("none", "only what is not wanted")
        return r.make("none", 0.95)
    if is_only_widening(r.scan):
        r.note("action", "extend: every word says on which side, or how far")
        return r.make("edit", 0.98, action="extend", prompt=r.scan.raw.strip())
    match only_a_look(r.scan):
        case "portrait":
            r.note("portrait", "a drawn look, and every other word says nothing")
            return r.make("portrait", 0.97, prompt=r.whole())
        case "edit":
            r.note("action", "filter: a drawn look for this picture, and every other word says nothing")
            return r.make("edit", 0.97, action="filter", prompt=r.scan.raw.strip())
    return None


def _chosen(r: DecisionState, e: Evidence, rules: Intent, learned: Model, *, group: bool) -> Intent:
    """The likeliest reading, or where asking is cheapest the likeliest request with the next ones beside it."""
    if rules.operation != "none" and core_of(rules) not in learned.cores:
        # A style, an edit or a command that came after the training: the model can only vote against it.
        decision: Decision = "act" if rules.operation == "command" or rules.confidence >= SURE else "ask"
        r.note("decide", f"{decision}: of this the model was taught nothing, so the rules' word is enough")
        return replace(rules, decision=decision)
    likely = _answered(learned.cores, learned.probabilities(e, core_of(rules), rules.confidence), e, rules)
    readings, nothing = _readings(r, e, rules, learned, likely)
    decision, cost = decide_by_cost(
        [p for _, p in readings],
        nothing,
        harmless=bool(readings) and _harmless(readings[0][0], r.scan.photos),
        costs=GROUP if group else PRIVATE,
    )
    if (
        decision == "act"
        and rules.operation == "none"
        and _HEARD < readings[0][1] < _ALONE
        and not _harmless(readings[0][0], r.scan.photos)
    ):
        decision = "ask"
    if decision == "ask" and _is_named(readings, rules, e):
        decision = "act"
    if r.explained:
        _note_choice(r, e, rules, learned, likely)
        r.note("decide", f"{decision}, {cost:.2f} taps on the average")
    if decision == "silent" or not readings or _is_half_heard(*readings[0]):
        none = r.make("none", nothing)
        return replace(none, decision="silent", alternatives=tuple(i for i, _ in readings[:_OFFERED]))
    (first, _), *others = readings
    if first.command == "cancel" and (core_of(rules) != core_of(first) or perhaps(r.scan)):
        if goes_on(r.scan):
            r.note("none", "what is being made is to go on")
            return replace(r.make("none", 0.95), decision="silent")
        # What is being made is lost when it is stopped: that takes words that are known to call something off, and
        # that are neither a question nor a laugh.
        r.note("decide", "ask: it is not said for certain that something is called off")
        decision = "ask"
    return replace(first, decision=decision, alternatives=tuple(i for i, _ in others[:_OFFERED]))


def _is_named(readings: Sequence[tuple[Intent, float]], rules: Intent, e: Evidence) -> bool:
    """Whether the likeliest reading is the one style that the message says."""
    first, likely = readings[0]
    if first.operation != "portrait" or first.style is None:
        return False
    if only_a_style(e) == first.style:
        return True
    alone = e.found.named == {first.style} and rules.confidence >= SURE
    return alone and core_of(first) == core_of(rules) and likely >= _NAMED


def _answered(cores: tuple[str, ...], likely: Floats, e: Evidence, rules: Intent) -> Floats:
    """Nobody is asked what they said, nor given its neighbour: where the paper and its colour are named, or the date
    and its place, what the question back and the answers nobody named would weigh belongs to the one that is named."""
    named = rules.style if rules.operation == "portrait" else None
    if named is None or e.found.scores.get(named, 0.0) < ID_NAMED:
        return likely
    likely = likely.copy()
    for group, keys in ASKED.items():
        if named not in keys:
            continue
        unnamed = [f"portrait:{key}" for key in keys if e.found.scores.get(key, 0.0) < ID_NAMED]
        for name in {f"ask:{group}", *unnamed} & set(cores):
            likely[cores.index(core_of(rules))] += likely[cores.index(name)]
            likely[cores.index(name)] = 0
    return likely


def _readings(
    r: DecisionState, e: Evidence, rules: Intent, learned: Model, likely: Floats
) -> tuple[list[tuple[Intent, float]], float]:
    """The readings that ask for something with their probabilities, likeliest first, and that of a remark.

    What cannot be read out of the words (a series of which no two pictures are found) gives its share to the others.
    """
    cores = learned.cores
    none = cores.index("none")
    lost = 0.0
    out: list[tuple[Intent, float]] = []
    for at in likely.argsort()[::-1][:_TRIED]:
        if at == none:
            continue
        if len(out) > _OFFERED or (out and likely[at] < _UNLIKELY):
            break
        chain = next((n for n, (other, _) in enumerate(out) if cores[at] in _steps(other)), None)
        if chain is not None:
            out[chain] = (out[chain][0], out[chain][1] + float(likely[at]))
            continue
        listed = cores[at] == "series"  # by the rules' list or by the cuts, whichever finds more
        made = rules if cores[at] == core_of(rules) and not listed else realize(r, e, cores[at], learned)
        if made is not None and made.operation == "edit" and not out:
            made = with_steps(e, made, learned)
        if made is None:
            lost += float(likely[at])
        else:
            out.append((made, float(likely[at])))
    out.sort(key=lambda reading: -reading[1])
    share = max(1e-6, 1 - lost)
    found = [(replace(i, confidence=round(p / share, 3)), p / share) for i, p in out]
    return found, float(likely[none]) / share


def _is_half_heard(first: Intent, probability: float) -> bool:
    """A word to the bot that most likely was none: what nobody can read is not answered with its settings."""
    return first.operation == "command" and probability < _HEARD


def _harmless(first: Intent, photos: int) -> bool:
    """Whether acting on it begins no picture: a word to the bot, or a question back, for the look to take as well."""
    lacks_a_photo = first.action == "transfer_style" and photos < 2
    return first.operation == "command" or bool(first.ask) or lacks_a_photo


def _steps(reading: Intent) -> set[str]:
    """The cores of the edits that are done in one reading: a chain is likely where any of them is."""
    if reading.operation != "edit":
        return set()
    return {f"edit:{key}" for key in (reading.action, *(t.action for t in reading.then))}


def _note_choice(r: DecisionState, e: Evidence, rules: Intent, learned: Model, likely: Floats) -> None:
    """Both sides' best three, and what they came to together."""
    scores = learned.scores_of(e)
    best = ", ".join(f"{learned.cores[i]} {scores[i]:.2f}" for i in scores.argsort()[::-1][:3])
    r.note("learned", best)
    styles = [(f"portrait:{k}", e.found.worth(k)) for k in e.found.scores]
    acts = [(f"edit:{a.key}", a.score) for a in e.acts]
    pointed = sorted((*styles, *acts, ("create", e.drawn), ("none", e.told)), key=lambda kv: -kv[1])[:3]
    r.note("rules", f"{core_of(rules)} ({', '.join(f'{k} {v:.1f}' for k, v in pointed)})")
    together = ", ".join(f"{learned.cores[i]} {likely[i]:.0%}" for i in likely.argsort()[::-1][:3])
    r.note("together", together)


def _note(r: DecisionState, e: Evidence) -> None:
    text, found = e.scan.text, e.found
    for key, score in sorted(found.scores.items(), key=lambda kv: -kv[1])[:4]:
        r.note("style", f"{key} {score:.1f}: {text[found.at[key].start : found.at[key].end]}")
    for act in e.acts:
        r.note("action", f"{act.key} {act.score:.1f}: {act.words}")
    if e.asked:
        r.note("asks", e.asked)
    for line in e.told_why:
        r.note("tells", line)
    if e.drawn > 0:
        r.note("create", f"{e.drawn:.1f}: {', '.join(e.drawn_why)}")
