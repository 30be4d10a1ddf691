"""For `likeness doctor`: what is wrong with the connection to Telegram, as sentences for the operator."""

from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.channels.telegram.inbound.update_source import Mode


async def what_is_wrong(bot: Bot, mode: Mode) -> list[str]:
    """Empty if all is well."""
    try:
        await bot.get_me()
        info = await bot.get_webhook_info()
    except TelegramError as error:
        if isinstance(error, InvalidToken):
            return ["Telegram does not know TELEGRAM_BOT_TOKEN. Get the token from @BotFather."]
        return [f"Telegram cannot be reached ({type(error).__name__}). Check the network and TELEGRAM_API_URL."]
    wrong = []
    if mode == "webhook" and info.last_error_date is not None and info.pending_update_count:
        wrong.append("Telegram cannot reach the webhook. Check PUBLIC_URL and its certificate.")
    if mode == "polling" and info.url:
        wrong.append("A webhook is set for this bot; starting in polling mode removes it.")
    return wrong
