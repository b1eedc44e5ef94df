"""The commands of core.__main__, one file for each kind; loaded when asked for."""
