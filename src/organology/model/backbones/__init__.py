"""Backbones: mel spectrograms -> an embedding."""
