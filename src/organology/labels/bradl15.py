"""The paper's labels as constants: 8 families and 7 instruments (Bradl, Huber and Pernkopf, 2023, figure 2).

For code that reproduces the paper. All else takes a `LabelSet`.
"""

from __future__ import annotations

from collections.abc import Mapping

from organology.labels.label_set import LabelSet

BRADL15 = LabelSet.load("bradl15")
LABELS: tuple[str, ...] = BRADL15.labels
FAMILIES: tuple[str, ...] = BRADL15.families
FAMILY_OF: Mapping[str, str] = BRADL15.parents
INSTRUMENTS: tuple[str, ...] = tuple(BRADL15.parents)
DISPLAY_NAMES: Mapping[str, str] = BRADL15.display
