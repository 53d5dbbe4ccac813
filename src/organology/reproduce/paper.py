"""What the paper reports: Bradl, Huber, Pernkopf (2023), section 3."""

from __future__ import annotations

CITATION = (
    "Bradl, Huber, Pernkopf: Transfer Learning Using Musical/Non-Musical Mixtures for Multi-Instrument Recognition. "
    "15th ITG Conference on Speech Communication, 2023, doi 10.30420/456164009"
)

TABLE1: dict[str, dict[str, float]] = {
    "scratch": {"roc_auc": 0.8488, "pr_auc": 0.6812, "loss": 0.4459},
    "frozen": {"roc_auc": 0.8908, "pr_auc": 0.7623, "loss": 0.4160},
    "finetuned": {"roc_auc": 0.9429, "pr_auc": 0.8334, "loss": 0.3618},
}
"""Table 1, at `p_musical` 0.6, on 120 mixtures."""

TABLE1_P_MUSICAL = 0.6
BEST_P_MUSICAL = 0.4
"""Figure 3 is best here; its other values are in a picture only."""

MIXTURES = 150 * 120 * 16
"""That a network learned from: epochs, batches, mixtures of a batch."""

THRESHOLD = 0.35
HIGH_F1 = 0.95
"""Figure 4: above it "for some classes", among the best percussion, drums and plucked string."""
BEST_CLASSES = ("percussion", "drums", "plucked_string")
F1_ZERO = ("brass",)
POOR_CLASSES = ("brass", "woodwind", "violin")
"""Classes that "do not work well" in figure 4."""

METHODS = {"scratch": "from scratch", "frozen": "frozen backbone", "finetuned": "fine-tuned"}
METRICS = {"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "loss": "loss"}
LOWER_IS_BETTER = frozenset(("loss",))
