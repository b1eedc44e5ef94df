"""Public data sets, the tasks made of them, and their films in memory."""
