"""Messages to WeChat's people outside of an answer, and the budget they have: shared by the channels whose platform
allows five of them after each message of a person (official accounts, WeCom customer service).

    say, reserve, deliver ─▶ sender: what the ledger allows ──▶ client: counted, then sent ──▶ api
                               └─ the rest is held, and comes first when the person writes next
"""
