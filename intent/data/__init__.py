"""Labelled messages, one file a writer; read by `intent/corpus.py`."""
