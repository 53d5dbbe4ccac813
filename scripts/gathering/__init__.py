"""Gathering of open audio: what `scripts/gather_corpus.py` is made of.

`sources.yaml` says what is taken from where; `manifest` reads it, `download` gets it, `takes` lays it out.
"""
