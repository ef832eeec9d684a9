"""`python -m dmr`: the command where its script is not on the PATH."""

from dmr.cli import main

main()
