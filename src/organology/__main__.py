"""`python -m organology`."""

from organology.cli import main

main()
