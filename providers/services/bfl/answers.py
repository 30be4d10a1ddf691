"""What the answers of Black Forest Labs mean, beyond the table that all services share (`providers.net.outcome`).

Submit:

    answer                                             job          raised
    200 with an id                                     taken        -
    403 that speaks of authentication                  not taken    TellOperator  provider_key
    everything else                                    as in the shared table

A look at the job (always 200; moderation is no HTTP error):

    status                                             meant as
    Pending                                            running
    Ready                                              done
    Request Moderated, Content Moderated               AskPerson    refused_content
    Error, Failed                                      MadeNothing  provider_failed
    Task not found                                     nothing for the first looks (a job is not everywhere at once),
                                                       then MadeNothing job_lost
    anything else                                      nothing
"""

from collections.abc import Callable

from providers.base import Charge, CostSource, Phase, Progress
from providers.errors import LikenessError, MadeNothing, TellOperator
from providers.money import Money
from providers.net.outcome import Answer, refused, submit_error

CREDITS_A_DOLLAR = 100
UNKNOWN_LOOKS = 6
"""Looks in a row that may find no job before it counts as lost."""


def job_error(answer: Answer) -> LikenessError:
    """The error of a submit that was answered without a job."""
    if answer.status == 403 and "authenticat" in answer.text("detail").lower():
        return TellOperator("the key was not accepted", code="provider_key")
    return submit_error(answer)


def charge_of(answer: Answer) -> Charge | None:
    """The exact cost, which the answer to a submit tells in credits; None where it does not."""
    cost = answer.get("cost")
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost < 1e6:
        return None
    credits = Money.usd(cost).amount
    return Charge(money=Money.usd(credits / CREDITS_A_DOLLAR), source=CostSource.ANSWER)


def reader() -> Callable[[Answer], Progress | None]:
    """Reads the looks at one job. Raises AskPerson or MadeNothing where it ended without a picture."""
    missed = 0

    def read(answer: Answer) -> Progress | None:
        nonlocal missed
        status = answer.text("status")
        if status != "Task not found":
            missed = 0
        match status:
            case "Pending":
                return Progress(phase=Phase.RUNNING, fraction=_fraction(answer.get("progress")))
            case "Ready":
                return Progress(phase=Phase.DONE)
            case "Request Moderated" | "Content Moderated":
                raise refused(status.lower())
            case "Error" | "Failed":
                raise MadeNothing("the job ended with an error", code="provider_failed")
            case "Task not found":
                missed += 1
                if missed >= UNKNOWN_LOOKS:
                    raise MadeNothing("a job is unknown upstream", code="job_lost")
        return None

    return read


def _fraction(told: object) -> float | None:
    return float(told) if isinstance(told, int | float) and 0 <= told <= 1 else None
