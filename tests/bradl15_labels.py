"""The labels of the default set, for tests that speak them."""

from organology.corpora.instruments import Instruments
from organology.labels import default_set

BRADL15 = default_set()
LABELS = BRADL15.labels
FAMILY_OF = BRADL15.parents


def encode(present, unknown=()):
    """Label vector of labels."""
    return BRADL15.encode_labels(present, unknown)


def instruments(present, unknown=()):
    """Instruments of which only the labels are known."""
    return Instruments.of_labels(BRADL15, present, unknown)


def labels_of(thing):
    """Label vector of a stem, a song or instruments."""
    return getattr(thing, "instruments", thing).encode(BRADL15)


def present_in(row):
    """Present labels of a row of a table of stems, as a set."""
    cells = (tuple(row[name]) for name in ("concepts", "unknown_concepts", "absent_concepts"))
    return set(BRADL15.decode(Instruments(*cells).encode(BRADL15))[0])


def decode(thing):
    """Present and unknown labels of a stem, a song, instruments or an entry of a vocabulary."""
    return BRADL15.decode(labels_of(thing))
