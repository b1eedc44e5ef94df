"""How answers are printed."""

import json


def print_json(value: object) -> None:
    """Indented; what JSON does not know as its words."""
    print(json.dumps(value, indent=1, default=str))
