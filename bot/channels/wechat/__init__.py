"""A WeChat official account as a channel.

    platform ──POST──▶ callback: signature, decryption ─▶ reception: one answer within a second ──▶ passive reply
                                                            └─ handlers, photos, in the background
    jobs ──▶ say, reserve, deliver ─▶ sending: what the ledger allows ──▶ customer messages
                                        └─ the rest is held, and comes first when the person writes next

Nothing is imported here, so that wechatpy is loaded only where an account is configured.
"""
