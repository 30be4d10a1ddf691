"""The page as HTML, from figures: no script, nothing from elsewhere, nobody's id in full, no words of people."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from html import escape
from pathlib import Path

from bot.admin_page.charts import Bar, columns
from bot.channels.web.middleware import FORM_HEADERS
from handlers.dialogue.operations import Budget, PersonRow, Today, without_words
from handlers.message import Language
from handlers.store.base import CostRow, Job, JobState, OpenJobs
from handlers.words import seconds, words
from providers.registry import label_of

STYLE = (Path(__file__).parent / "admin.css").read_text("utf-8")
_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    **FORM_HEADERS,
}
_BUDGETS: Mapping[tuple[str, str], str] = {
    ("usd", "day"): "admin_page.usd_day",
    ("usd", "month"): "admin_page.usd_month",
    ("pictures", "day"): "admin_page.pictures_day",
    ("pictures", "month"): "admin_page.pictures_month",
}
_JOB_HEADS = ("admin_page.job", "admin_page.begun", "admin_page.what", "admin_page.provider", "admin_page.state")
_PERSON_HEADS = (
    "admin_page.person",
    "admin_page.pictures",
    "admin_page.money",
    "admin_page.state",
    "admin_page.do",
)
_OTHER: Mapping[Language, Language] = {"en": "zh", "zh": "en"}
_NAME: Mapping[Language, str] = {"en": "English", "zh": "中文"}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the page shows, as it stands now."""

    now: datetime
    paused: bool
    open_jobs: tuple[OpenJobs, ...]
    today: Today
    budgets: tuple[Budget, ...]
    by_day: tuple[CostRow, ...]
    by_provider: tuple[CostRow, ...]
    running: tuple[Job, ...]
    failed: tuple[Job, ...]
    made: tuple[Job, ...]
    people: tuple[PersonRow, ...]


class View:
    """`days`: what the costs are shown of. `form_key` and `handles`: what forms bring along."""

    def __init__(self, language: Language, *, days: int, form_key: str = "") -> None:
        self._language = language
        self._days = days
        self._form_key = form_key
        self._t = partial(words, language)

    # --- pages

    def login(self, told: str = "") -> str:
        password, sign_in = self._say("admin_page.password"), self._say("admin_page.sign_in")
        return self._page(
            f'<main class="login"><h1>Likeness</h1>{_note(told)}<form method="post" action="/admin/login">'
            f'<input type="hidden" name="lang" value="{self._language}"><label>{password}'
            '<input type="password" name="password" autocomplete="current-password" required autofocus></label>'
            f'<button class="main">{sign_in}</button></form>{self._languages()}</main>'
        )

    def page(self, figures: Figures, handles: Mapping[str, str], told: str = "") -> str:
        """`handles`: of each person's name, what stands for it in forms."""
        again = f'<a href="/admin?lang={self._language}">{self._say("admin_page.refresh")}</a>'
        nav = again + self._languages() + self._form("logout", self._say("admin_page.sign_out"))
        parts = (
            _note(told),
            self._state(figures),
            self._tiles(figures),
            self._budgets(figures.budgets),
            self._costs(figures),
            self._jobs("admin_page.running", figures.running, figures.now, ended=False),
            self._jobs("admin_page.failed", figures.failed, figures.now),
            self._jobs("admin_page.made", figures.made, figures.now),
            self._people(figures.people, handles),
        )
        return self._page(f"<header><h1>Likeness</h1><nav>{nav}</nav></header><main>{''.join(parts)}</main>")

    def _page(self, body: str) -> str:
        title = self._say("admin_page.title")
        return (
            f'<!doctype html><html lang="{self._language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta name="robots" content="noindex"><title>Likeness · {title}</title>'
            f"<style>{STYLE}</style></head><body>{body}</body></html>"
        )

    # --- parts

    def _state(self, figures: Figures) -> str:
        text = words(self._language, "admin.paused" if figures.paused else "admin.going").split(" /admin")[0]
        button = (
            self._form("resume", self._say("admin_page.resume"), main=True)
            if figures.paused
            else self._form("pause", self._say("admin_page.pause"))
        )
        kind = "paused" if figures.paused else "going"
        return f'<section class="state {kind}"><p>{escape(text)}</p>{button}</section>'

    def _tiles(self, figures: Figures) -> str:
        waiting = [row for row in figures.open_jobs if row.state is JobState.NEW]
        oldest = min((row.oldest for row in waiting), default=None)
        tiles = (
            ("admin_page.open", str(sum(row.count for row in figures.open_jobs))),
            ("admin_page.waiting", str(sum(row.count for row in waiting))),
            ("admin_page.oldest", "–" if oldest is None else self._age(oldest, figures.now)),
            ("admin_page.pictures_today", str(figures.today.pictures)),
            ("admin_page.spent_today", _usd(figures.today.usd)),
            ("admin_page.refused_today", str(sum(figures.today.refused.values()))),
        )
        cells = "".join(f"<div><dt>{self._say(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in tiles)
        return f'<dl class="tiles">{cells}</dl>'

    def _budgets(self, budgets: Sequence[Budget]) -> str:
        rows = []
        for budget in budgets:
            shown = _usd if budget.unit == "usd" else str
            told = self._t("admin_page.of", used=shown(budget.used), most=shown(budget.most))
            name = self._say(_BUDGETS[budget.unit, budget.period])
            most = max(float(budget.most), 1e-9)
            rows.append(
                f'<li><label>{name} <progress max="{most}" value="{min(float(budget.used), most)}"></progress></label> '
                f"{escape(told)}</li>"
            )
        none = self._say("admin_page.no_budgets")
        text = f"<ul>{''.join(rows)}</ul>" if rows else f"<p>{none}</p>"
        return self._section("admin_page.budgets", text)

    def _costs(self, figures: Figures) -> str:
        found = {row.key: row for row in figures.by_day}
        days = [f"{figures.now.astimezone(UTC) - timedelta(days=n):%Y-%m-%d}" for n in range(self._days)][::-1]
        rows = [found.get(day) for day in days]
        title, drawn = self._t("admin_page.costs_by_day"), self._t("admin_page.pictures_by_day")
        usd = [Bar(label=day[5:], value=row.usd if row else Decimal(0), told=_usd(row.usd) if row else "–")
               for day, row in zip(days, rows, strict=True)]  # fmt: skip
        pictures = [Bar(label=day[5:], value=Decimal(row.pictures if row else 0), told=str(row.pictures if row else 0))
                    for day, row in zip(days, rows, strict=True)]  # fmt: skip
        today = {row.key: row for row in figures.today.charged}
        lines = [
            (
                self._provider(row.key),
                str(row.pictures),
                _usd(row.usd),
                _usd(today[row.key].usd) if row.key in today else "–",
            )
            for row in figures.by_provider
        ]
        heads = ("admin_page.provider", "admin_page.pictures", "admin_page.money", "admin_page.of_today")
        nothing = self._t("admin_page.nothing")
        parts = (
            (title, columns(usd, title=title, nothing=nothing)),
            (drawn, columns(pictures, title=drawn, nothing=nothing)),
            (self._t("admin_page.costs_by_provider"), self._table(heads, lines)),
        )
        content = "".join(f"<h3>{escape(head)}</h3>{what}" for head, what in parts)
        return self._section("admin_page.costs", content)

    def _jobs(self, key: str, jobs: Sequence[Job], now: datetime, *, ended: bool = True) -> str:
        rows = []
        for job in jobs:
            state = self._t(f"admin_page.job_{job.state.value}") + (f" · {job.error_code}" if job.error_code else "")
            cells = [
                _escaped(f"<code>{escape(job.id)}</code>"),
                self._t("admin_page.ago", time=self._age(job.created, now)),
                without_words(job, self._language),
                self._provider(job.provider),
                state,
            ]
            if ended:
                can = bool(job.pictures)
                cells.append(_escaped(self._form("resend", self._say("admin_page.resend"), job=job.id)) if can else "")
            rows.append(cells)
        heads = (*_JOB_HEADS, *(("admin_page.do",) if ended else ()))
        return self._section(key, self._table(heads, rows))

    def _people(self, people: Sequence[PersonRow], handles: Mapping[str, str]) -> str:
        rows = []
        more, give = self._say("admin_page.grant_n"), self._say("admin_page.grant")
        for person in people:
            handle = handles[person.name]
            block, label = ("unblock", "admin_page.unblock") if person.blocked else ("block", "admin_page.block")
            grant = (
                f'<form method="post" action="/admin/grant">{self._hidden(person=handle)}'
                f'<label class="short"><span>{more}</span>'
                '<input name="n" type="number" min="1" max="10000" value="10" required></label>'
                f"<button>{give}</button></form>"
            )
            rows.append(
                [
                    _shortened(person.name),
                    str(person.pictures),
                    _usd(person.usd),
                    self._t("admin_page.blocked" if person.blocked else "admin_page.allowed"),
                    _escaped(f'<div class="do">{self._form(block, self._say(label), person=handle)}{grant}</div>'),
                ]
            )
        return self._section("admin_page.people", self._table(_PERSON_HEADS, rows))

    def _section(self, key: str, content: str) -> str:
        return f"<section><h2>{self._say(key)}</h2>{content}</section>"

    def _table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        if not rows:
            return f"<p>{escape(words(self._language, 'admin.nothing'))}</p>"
        names = [self._say(head) for head in heads]
        head = "".join(f'<th scope="col">{name}</th>' for name in names)
        lines = "".join(
            "<tr>"
            + "".join(f'<td data-name="{name}">{_html(cell)}</td>' for name, cell in zip(names, row, strict=True))
            + "</tr>"
            for row in rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"

    def _form(self, action: str, label: str, *, main: bool = False, **fields: str) -> str:
        kind = ' class="main"' if main else ""
        hidden = self._hidden(**fields)
        return f'<form method="post" action="/admin/{action}">{hidden}<button{kind}>{label}</button></form>'

    def _hidden(self, **fields: str) -> str:
        given = {"key": self._form_key, "lang": self._language, **fields}
        return "".join(f'<input type="hidden" name="{name}" value="{escape(text)}">' for name, text in given.items())

    def _languages(self) -> str:
        other = _OTHER[self._language]
        return f'<a href="/admin?lang={other}" lang="{other}" hreflang="{other}">{_NAME[other]}</a>'

    def _say(self, key: str) -> str:
        return escape(self._t(key))

    def _age(self, since: datetime, now: datetime) -> str:
        return seconds(max(0.0, (now - since).total_seconds()), self._language)

    def _provider(self, key: str | None) -> str:
        return "–" if key is None else label_of(key)


class _Escaped(str):
    """HTML already."""


def _escaped(text: str) -> str:
    return _Escaped(text)


def _html(cell: str) -> str:
    return cell if isinstance(cell, _Escaped) else escape(cell)


def _note(told: str) -> str:
    return f'<p class="told" role="status">{escape(told)}</p>' if told else ""


def _usd(amount: Decimal) -> str:
    return f"${amount:,.2f}"


def _shortened(name: str) -> str:
    """Enough to know somebody again who is known by their id, and no more."""
    channel, _, person = name.partition(":")
    return f"{channel}:{person[:2]}…{person[-2:]}" if len(person) > 6 else f"{channel}:{person[:1]}…"
