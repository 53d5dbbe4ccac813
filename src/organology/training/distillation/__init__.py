"""Learning from a published tagger: pre-training, pseudo-labels, blended heads."""
