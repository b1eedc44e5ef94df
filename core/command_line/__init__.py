"""The parts of the command line that core.__main__ puts together."""
