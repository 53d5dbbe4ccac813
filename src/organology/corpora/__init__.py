"""Corpora: a folder as its publisher lays it out -> prepared stems and `stems.parquet`.

`registry` names the corpora and what reads them; `prepare.prepare` does the work that all corpora share.
docs/corpora.md tells how to use them, docs/architecture.md what they give.
"""
