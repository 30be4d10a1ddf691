"""How a refusal is answered: `{"error": {"code", "message"}}`, in the language the browser asks for."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.channels.web.texts import language_of, word
from bot.channels.web.uploads import Refused
from handlers.message import Language


def language_wished(request: Request) -> Language:
    return language_of(request.headers.get("accept-language", ""))


def error_answer(status: int, code: str, language: Language, **params: int) -> Response:
    """`code` is also the key of its sentence, `error.<code>` in `static/words.json`."""
    message = word(language, f"error.{code}", **params)
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers={"cache-control": "no-store"})


def refusal(refused: Refused, language: Language) -> Response:
    response = error_answer(refused.status, refused.code, language, **refused.params)
    if refused.status in (408, 413, 415):
        response.headers["connection"] = "close"  # the rest of the body, if any, is not waited for
    return response
