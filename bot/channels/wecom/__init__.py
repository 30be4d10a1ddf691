"""A WeCom smart bot as a channel."""
