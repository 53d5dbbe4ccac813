"""Training on several processes, so that they learn what one process with the whole batch would.

`place` says which part of the work is whose, `collectives` reckons over all processes, `layers` makes batch norm and
dropout those of the whole batch.
"""
