"""python -m core export: a card's model for other programs."""

import argparse

from core import export


def export_one(options: argparse.Namespace) -> int:
    """Writes the model and the JSON that says how to use it."""
    told = export.export(options.card, options.format, options.out)
    print(
        f"{', '.join(told['files'])} and {options.out.with_suffix('.json').name}: scores as torch's, "
        f"largest difference {told['largest_difference']:.1g}."
    )
    return 0
