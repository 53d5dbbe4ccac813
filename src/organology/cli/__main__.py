"""`python -m organology.cli`."""

from organology.cli import main

main()
