"""A person's own models: listed on Models, begun on Screen."""
