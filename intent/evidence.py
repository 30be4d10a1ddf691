"""What the rules found in one message, gathered once: the values that everything after it decides upon."""

from dataclasses import dataclass

from intent.commands import command
from intent.controls import Controls
from intent.create import creation
from intent.edits import Act, actions, choose
from intent.extract import content
from intent.normalize import normalize
from intent.personas import shown_as
from intent.scan import Scan
from intent.speech_acts import asks, tells, told_where_asked
from intent.styles import Found, styles
from intent.thresholds import ACTION_CLEAR, STYLE_CLEAR, TOLD_REREAD


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Scores are points: about 1 for a hint, 3 and more for a thing said by its name. Nothing here is decided yet."""

    scan: Scan
    controls: Controls
    found: Found
    """Style candidates with their scores."""
    style: str | None
    """The best of them."""
    top: float
    """What the best is worth after more particular ones took theirs."""
    acts: tuple[Act, ...]
    """Changes of the picture, in the order they are said."""
    strongest: float
    """The score of the surest of them."""
    command: tuple[str, float, str] | None
    """(command, how sure, the words)."""
    asked: str | None
    """The words that ask for something, where there are any."""
    told: float
    """How far the words only tell something: above 1 for a remark."""
    told_why: tuple[str, ...]
    persona: bool
    """Somebody is to be shown as something."""
    drawn: float
    """How far this is a picture from words alone."""
    drawn_why: tuple[str, ...]

    @property
    def photos(self) -> int:
        return self.scan.photos

    @property
    def in_our_field(self) -> bool:
        """Whether the words name anything that is made or changed here."""
        return self.top > 0.3 or bool(self.found.ask) or self.strongest > 0


def gather(scan: Scan, controls: Controls) -> Evidence:
    found = styles(scan)
    acts = choose(scan, actions(scan))
    style, top = found.best()
    strongest = max((a.score for a in acts), default=0.0)
    names_a_picture = (
        bool(found.ask)
        or top >= STYLE_CLEAR
        or len(found.scores) >= 2
        or strongest >= ACTION_CLEAR
        or bool(scan.words("createnoun") and not scan.words("again"))
    )
    said = command(scan, names_a_picture)
    asked = asks(scan)
    told, why = tells(scan, controls.wishes)
    if told >= TOLD_REREAD and (heard := told_where_asked(scan, asked)) < told:
        told = heard
        why.append(f"but only {heard:.1f} where it is asked")
    core = scan.text if scan.photos or not scan.whole else normalize(content(scan, controls, []) or scan.text).text
    drawn, drawn_why = creation(scan, found, told, core)
    return Evidence(
        scan=scan,
        controls=controls,
        found=found,
        style=style,
        top=top,
        acts=tuple(acts),
        strongest=strongest,
        command=said,
        asked=asked,
        told=told,
        told_why=tuple(why),
        persona=shown_as(scan),
        drawn=drawn,
        drawn_why=tuple(drawn_why),
    )
