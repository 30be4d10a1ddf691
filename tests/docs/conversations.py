"""Ten conversations, played through the whole program: `python -m tests.docs.conversations > docs/conversations.md`.

Each line says who says what, whether a photo is with it, and what the program is to do: `makes` (begins a picture, or
takes another one down as to be made), `asks` (offers readings, or asks back), `answers` (a word of the bot), `silent`
(nothing is begun and nothing asked; in a private chat a friendly line at most).
"""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from handlers.message import Chat, IncomingPhoto, Kind, Language, Message, Outgoing
from handlers.words import words
from tests.world import FakeWorld, world


@dataclass(frozen=True)
class Line:
    who: str
    does: str
    says: str
    photos: int = 0
    taps: bool = False
    """It is the id of something offered that is tapped."""


@dataclass(frozen=True)
class Script:
    title: str
    lines: tuple[Line, ...]
    group: bool = False


SCRIPTS: tuple[Script, ...] = (
    Script(
        "A first photo, private, Chinese",
        (
            Line("李姐", "answers", "第一次用，怎么开始"),
            Line("李姐", "makes", "下礼拜见客户，这张给我弄成职业照，竖版", photos=1),
            Line("李姐", "silent", "哇，比真人精神"),
            Line("李姐", "makes", "背景再换成浅灰的"),
            Line("李姐", "answers", "这个收费吗"),
            Line("李姐", "silent", "我儿子也学画画，天天画动漫"),
            Line("李姐", "answers", "把我的照片都删了吧"),
        ),
    ),
    Script(
        "An old photo, private, English",
        (
            Line("Hank", "answers", "how does this work"),
            Line(
                "Hank",
                "makes",
                "my grandmother, 1931, cracked right across. could you mend it and then colour it",
                photos=1,
            ),
            Line("Hank", "silent", "well I'll be, that's her"),
            Line("Hank", "silent", "she made the best peach pie in the county"),
            Line("Hank", "makes", "blow it up four times, I want to print it"),
            Line("Hank", "answers", "what do I owe you"),
            Line("Hank", "silent", "much obliged"),
        ),
    ),
    Script(
        "Not sure what is meant, private, Chinese",
        (
            Line("小美", "asks", "相亲用的，来一张", photos=1),
            Line("小美", "makes", "咖啡馆那种"),
            Line("小美", "silent", "我妈看了肯定满意"),
            Line("小美", "makes", "再来两张"),
            Line("小美", "silent", "他昨天又没回我消息"),
            Line("小美", "asks", "证件照也来一张"),
            Line("小美", "makes", "蓝底"),
        ),
    ),
    Script(
        "One thing after the other, private, English",
        (
            Line("Zoe", "silent", "hi"),
            Line("Zoe", "makes", "make me an anime girl", photos=1),
            Line("Zoe", "silent", "omg i look so cool"),
            Line("Zoe", "makes", "one more"),
            Line("Zoe", "answers", "what other styles do you have"),
            Line("Zoe", "makes", "do an oil painting and a watercolor of me"),
            Line("Zoe", "answers", "delete everything you have of me"),
        ),
    ),
    Script(
        "A neighbours' group, Chinese, said to the bot",
        (
            Line("302", "silent", "你吃饭了没哈哈哈"),
            Line("302", "makes", "后面那个遛狗的去掉", photos=1),
            Line("1101", "silent", "今天草莓真甜"),
            Line("1101", "makes", "草莓抠出来，白底", photos=1),
            Line("302", "answers", "我的图呢"),
            Line("705", "silent", "谁家快递放错了"),
            Line("705", "answers", "你会做什么"),
        ),
        group=True,
    ),
    Script(
        "Friends in a group, English, said to the bot",
        (
            Line("Dave", "silent", "are you even real"),
            Line("Jess", "makes", "cyberpunk version of me", photos=1),
            Line("Dave", "silent", "lol she looks like a toaster"),
            Line("Jess", "makes", "another one"),
            Line("Mia", "answers", "list the looks"),
            Line("Mia", "silent", "my halloween costume is still in the mail"),
            Line("Dave", "makes", "remove the guy on the left", photos=1),
        ),
        group=True,
    ),
    Script(
        "A grandmother who dictates, private, Chinese",
        (
            Line("奶奶", "answers", "这个东西怎么弄啊我不会"),
            Line("奶奶", "makes", "这是我和老伴的结婚照破了你给我补一补再上个颜色", photos=1),
            Line("奶奶", "silent", "哎呀真像他"),
            Line("奶奶", "silent", "他走了八年了"),
            Line("奶奶", "makes", "在底下写上福如东海"),
            Line("奶奶", "answers", "我的照片别人看得见吗"),
            Line("奶奶", "silent", "谢谢你啊孩子"),
        ),
    ),
    Script(
        "A shop, private, English",
        (
            Line("Ana", "makes", "white background for this mug, it's for the shop page", photos=1),
            Line("Ana", "makes", "other angles of it"),
            Line("Ana", "silent", "sold three already this morning"),
            Line("Ana", "makes", "write Sale on it"),
            Line("Ana", "answers", "stop, wrong one"),
            Line("Ana", "answers", "how many do I have left today"),
            Line("Ana", "silent", "see you tomorrow"),
        ),
    ),
    Script(
        "A picture from words, private, Chinese in Traditional characters",
        (
            Line("阿凱", "makes", "幫我畫一隻戴安全帽的柴犬，橫式"),
            Line("阿凱", "silent", "哈哈哈哈太可愛了"),
            Line("阿凱", "makes", "再一張"),
            Line("阿凱", "makes", "這張是我，幫我變成吉卜力動畫風", photos=1),
            Line("阿凱", "answers", "有哪些風格可以選"),
            Line("阿凱", "silent", "今天又加班到九點"),
            Line("阿凱", "answers", "請把我的資料都刪掉"),
        ),
    ),
    Script(
        "Steps and second thoughts, private, English as a second language",
        (
            Line("Ravi", "makes", "kindly make one formal photo for my resume", photos=1),
            Line("Ravi", "silent", "very nice"),
            Line("Ravi", "makes", "please remove the pimples also"),
            Line("Ravi", "silent", "my nephew is studying animation in Bengaluru"),
            Line("Ravi", "answers", "what are the charges"),
            Line("Ravi", "answers", "it is not required now, please cancel"),
            Line("Ravi", "answers", "kindly delete all my photos"),
        ),
    ),
)


@dataclass(frozen=True)
class Played:
    line: Line
    did: str
    said: str
    """The bot's words, and what was begun."""


async def play(script: Script, folder: Path) -> list[Played]:
    async with world(folder) as made:
        return [await _one(made, script, n, line) for n, line in enumerate(script.lines)]


async def _one(made: FakeWorld, script: Script, n: int, line: Line) -> Played:
    chat = Chat(channel="fake", chat="group" if script.group else line.who, person=line.who)
    before = {job.id for job in await made.jobs()}
    photos = tuple(IncomingPhoto(key=f"p{n}-{i}", path=_photo(made, n)) for i in range(line.photos))
    message = Message(key=f"m{n}", chat=chat, text=line.says, photos=photos, group=script.group)
    replies = await made.conversation.handle(message)
    if len(before) < len(await made.jobs()):
        await made.all_ended(len(before) + 1)
    begun = [job for job in await made.jobs() if job.id not in before]
    orders = "; ".join(" and ".join(_named(shot) for shot in job.order.shots) for job in begun)
    said = " / ".join(filter(None, (" ".join(r.text.split()) for r in replies if r.kind is not Kind.STATUS)))
    return Played(line=line, did=_did(bool(begun), replies), said=f"[{orders}]" if begun else said)


_LANGUAGES: tuple[Language, ...] = ("zh", "en")
_FRIENDLY = ("hello", "small_talk", "remark_result", "remark_photo", "remark_running")
"""What a private chat answers to a remark, so that nobody talks to a wall: it begins nothing and asks nothing."""


def _did(begun: bool, replies: tuple[Outgoing, ...]) -> str:
    if begun:
        return "makes"
    choices = [c.id for r in replies for c in r.choices]
    if any(c.startswith(("reading:", "style:", "pick:")) for c in choices):
        return "asks"
    friendly = {words(language, f"say.{key}") for key in _FRIENDLY for language in _LANGUAGES}
    return "answers" if any(reply.text not in friendly for reply in replies) else "silent"


def _named(shot: object) -> str:
    edits = [edit.action for edit in getattr(shot, "edits", ())]
    return str(getattr(shot, "style", None) or ", then ".join(edits) or "in their own words")


def _photo(made: FakeWorld, n: int) -> Path:
    path = made.folder / f"sent-{n}.png"
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(path)
    return path


_ABOVE = """# Ten conversations

Private and in groups, in both languages, played through the whole program (`tests/world.py`: store, job runner, a maker
that is not there). **makes**: a picture is begun; **asks**: readings or styles to tap; **answers**: a word of the bot;
**silent**: nothing is begun and nothing asked, in a private chat with a friendly line. Where it does something else
than it should, that stands beside it (≠). In a group only what is said to the bot reaches it. Written by
`python -m tests.docs.conversations`; `tests/docs/test_conversations.py` plays them again."""


async def main() -> None:
    print(_ABOVE)
    for script in SCRIPTS:
        with tempfile.TemporaryDirectory() as folder:
            print(f"\n## {script.title}\n\n| who | says | the program |\n| --- | --- | --- |")
            for played in await play(script, Path(folder)):
                mark = "" if played.did == played.line.does else " **≠ " + played.line.does + "**"
                photo = " (with a photo)" if played.line.photos else ""
                print(f"| {played.line.who} | {played.line.says}{photo} | {played.did}{mark}: {played.said[:140]} |")


if __name__ == "__main__":
    asyncio.run(main())
