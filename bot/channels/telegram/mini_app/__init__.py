"""The painter as a Mini App of Telegram: opened by a button under a picture, in private chats, if PUBLIC_URL is https.

button ─▶ page (static) ─▶ open: signed init data + ticket ─▶ the picture, by an address that expires
                        └▶ send: init data + ticket + mask, margins, words ─▶ the person's line, as a message of theirs
"""
