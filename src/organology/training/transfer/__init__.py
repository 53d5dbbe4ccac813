"""Transfer: a network learns the instruments of mixtures, after section 2.4 of Bradl, Huber and Pernkopf (2023).

The fully connected layers are new; the backbone comes from pre-training and is kept (`frozen`), or learns at a smaller
rate (`finetuned`), or everything starts from random weights (`scratch`).
"""

from typing import Literal

Transfer = Literal["scratch", "frozen", "finetuned"]
"""The transfer methods."""
