"""WeCom customer service (微信客服): anybody in WeChat writes to a company, one to one.

platform ──"there is something"──▶ callback ─▶ puller: sync_msg, cursor stored ─▶ intake ─▶ handlers ─▶ one message
jobs ──▶ say, reserve, deliver ─▶ customer messages: five after each message of the person, the rest is held
"""
