"""The version, at the bottom of all modules: whoever writes it into a file imports nothing else for it."""

__version__ = "0.2.0"
