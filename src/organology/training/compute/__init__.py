"""How a network computes in training: precision, memory layout, compilation, reading of losses."""
