"""Labels that a person chooses between."""

from collections.abc import Iterable
from itertools import count


def numbered(labels: Iterable[str]) -> list[str]:
    """The labels in their order, later ones of a kind numbered: nobody can choose between two that are alike.

    "1.jpeg", "1.jpeg" become "1.jpeg", "1.jpeg (2)".
    """
    wanted = list(labels)
    taken, told = set(wanted), list[str]()
    for label in wanted:
        free = (f"{label} ({number})" for number in count(2))
        told.append(label if label not in told else next(one for one in free if one not in taken))
        taken.add(told[-1])
    return told
