"""The words as data: `zh.toml`, `en.toml` and the tables beside them. Read by `intent.lexicon.loader`."""
