"""For `likeness doctor`: what is wrong with the connection to Telegram, and what it lacks, in sentences."""

from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.channels.telegram.inbound.update_source import Mode
from handlers.channel import Finding

NO_INLINE = (
    "Inline mode is off, so people cannot send their last results into other chats by typing the bot's name. "
    "Send /setinline to @BotFather to turn it on."
)

NO_PAINTER = (
    "No painter under pictures: a Mini App needs the address of this server from outside, by https, in PUBLIC_URL. "
    "Strokes drawn on a photo with the phone's own marker work without."
)


async def found(bot: Bot, mode: Mode, public_url: str | None) -> list[Finding]:
    """The last one says how the painter stands, unless something is broken."""
    try:
        me = await bot.get_me()
        info = await bot.get_webhook_info()
    except TelegramError as error:
        if isinstance(error, InvalidToken):
            return [_broken("Telegram does not know TELEGRAM_BOT_TOKEN. Get the token from @BotFather.")]
        return [
            _broken(f"Telegram cannot be reached ({type(error).__name__}). Check the network and TELEGRAM_API_URL.")
        ]
    findings = []
    if mode == "webhook" and info.last_error_date is not None and info.pending_update_count:
        findings.append(_broken("Telegram cannot reach the webhook. Check PUBLIC_URL and its certificate."))
    if mode == "polling" and info.url:
        findings.append(_broken("A webhook is set for this bot; starting in polling mode removes it."))
    if not me.supports_inline_queries:
        findings.append(Finding(verdict="warning", message=NO_INLINE))
    if not any(finding.verdict == "broken" for finding in findings):
        findings.append(_painter(public_url))
    return findings


def _painter(public_url: str | None) -> Finding:
    """Whether the painter is there as a Mini App: Telegram opens those by https alone."""
    if not public_url:
        return Finding(verdict="warning", message=f"{NO_PAINTER} PUBLIC_URL is not set.")
    if not public_url.lower().startswith("https://"):
        return Finding(verdict="warning", message=f"{NO_PAINTER} PUBLIC_URL begins with http.")
    return Finding(verdict="ok", message="works; in private chats the painter opens as a Mini App under PUBLIC_URL")


def _broken(message: str) -> Finding:
    return Finding(verdict="broken", message=message)
