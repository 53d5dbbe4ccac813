"""Sets of 50 tags that published music taggers were trained on, by name; no torch is imported here."""

from __future__ import annotations

from dataclasses import dataclass

from organology.model.registry import Registry


@dataclass(frozen=True)
class TagSet:
    """Tags and what they mean.

    Attributes
    ----------
    name : str
    vocabulary : str
        Gives tags their concepts. If `has_own_order` is False, its rows are in the order of the tags.
    has_own_order : bool
        The order is that of MTG-Jamendo's tags (`readers.jamendo`), whose instruments alone are in the vocabulary.
    """

    name: str
    vocabulary: str
    has_own_order: bool = False

    def words(self) -> tuple[str, ...]:
        """The words of the vocabulary in the order of the tags; empty if its rows are in that order."""
        if not self.has_own_order:
            return ()
        from organology.corpora.readers.jamendo import TAGS

        return tuple(tag.removeprefix("instrument---") for tag in TAGS)


TAG_SETS: Registry[TagSet] = Registry("tag set")
TAG_SETS.register(TagSet("mtg-jamendo", "mtg_jamendo_instrument", has_own_order=True))
TAG_SETS.register(TagSet("magnatagatune", "magnatagatune_top50"))
