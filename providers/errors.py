"""The error tree, sorted by what happens next.

    LikenessError
    ├── AskPerson        the person sends something else       (bad photo, unknown key, refused content)
    │   └── ConsentNeeded    or agrees that their photos go to a company they have not accepted
    ├── NotTaken         this provider certainly did not take the job: try the next one
    │   ├── WaitAndRetry     the same provider, after `retry_after` seconds, is also worth a try
    │   └── TellOperator     key, balance or rights are wrong: nothing the person does will help
    ├── MadeNothing      the provider took the job and ended it without a picture
    ├── MaybePaid        nobody knows whether the job was taken: never repeated by the program
    └── DeadlinePassed   time is over; what was taken can be fetched later, free of charge

Every error has a stable `code` (for programs, see `providers/codes.py`), a `text_key` (the sentence for the person, in
`handlers/texts/`) with `params` for its placeholders, and a `hint` for the operator. None of them carries a key, a
provider's address or another exception's text; `str(error)` is `code: hint` and safe to log.
"""

from collections.abc import Mapping

from providers.codes import Code


class LikenessError(Exception):
    """Base of the tree. `retryable`: may the person sensibly ask for the same again?

    `could`: the keys of services that could do what the one asked for cannot. `away`: the key of the server of one's
    own that was looked for, by its name, and is not there.
    """

    code: Code = "internal"
    text_key = "error.internal"
    retryable = False
    could: tuple[str, ...] = ()
    away: str | None = None

    def __init__(
        self,
        hint: str = "",
        *,
        code: Code | None = None,
        text_key: str | None = None,
        params: Mapping[str, str | int | float] | None = None,
        retryable: bool | None = None,
    ) -> None:
        self.hint = hint
        if code is not None:
            self.code = code
            self.text_key = f"error.{code}"
        if text_key is not None:
            self.text_key = text_key
        if retryable is not None:
            self.retryable = retryable
        self.params: dict[str, str | int | float] = dict(params or {})
        super().__init__(f"{self.code}: {hint}" if hint else self.code)


class AskPerson(LikenessError):
    """The request itself cannot be done; the person must send something else. Nothing was charged."""

    code: Code = "bad_request"
    text_key = "error.bad_request"


class ConsentNeeded(AskPerson):
    """The next in turn is a company that the person has not accepted: `provider` is its key, `label` its name."""

    code: Code = "consent_needed"
    text_key = "error.consent_needed"

    def __init__(self, provider: str, label: str) -> None:
        super().__init__(f"{provider} is not accepted", params={"company": label, "provider": provider})
        self.provider = provider
        self.label = label


class NotTaken(LikenessError):
    """The provider certainly did not take the job, so another may be asked. Nothing was charged."""

    code: Code = "provider_unavailable"
    text_key = "error.provider_unavailable"
    retryable = True


class WaitAndRetry(NotTaken):
    """Too busy or briefly away. `retry_after`: seconds the provider asked for, or None."""

    code: Code = "provider_busy"
    text_key = "error.provider_busy"

    def __init__(self, hint: str = "", *, retry_after: float | None = None, code: Code | None = None) -> None:
        super().__init__(hint, code=code)
        self.retry_after = retry_after


class TellOperator(NotTaken):
    """Wrong key, empty balance, missing right: the operator must act."""

    code: Code = "provider_forbidden"
    text_key = "error.provider_forbidden"
    retryable = False


class MadeNothing(LikenessError):
    """The provider took the job and ended it without a usable picture."""

    code: Code = "made_nothing"
    text_key = "error.made_nothing"
    retryable = True


class MaybePaid(LikenessError):
    """The outcome of a paid call is unknown. Never repeated by the program; the person is offered to try again."""

    code: Code = "outcome_unknown"
    text_key = "error.outcome_unknown"
    retryable = True


class DeadlinePassed(LikenessError):
    """The time for the whole request is over. Nothing is in doubt: it was not taken, or (`taken`) a service has taken
    it, and it can be fetched later."""

    code: Code = "deadline"
    text_key = "error.deadline"
    retryable = True

    def __init__(self, hint: str = "", *, taken: bool = False) -> None:
        super().__init__(hint, text_key="error.deadline_taken" if taken else None)
        self.taken = taken
