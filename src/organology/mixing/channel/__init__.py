"""What happens to music on its way from the band to a file."""
