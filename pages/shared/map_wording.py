"""What is said of heat maps, outlines and pictures: what they show, and what they are worth."""

from collections.abc import Iterable, Mapping, Sequence

from core.card_types import Card, Localisation
from core.names import CHEST_FILM
from pages.shared import sentences
from pages.shared.language import ntr, tr


def heat_map(name: str, shares: tuple[float | None, float] | None, *, similar: int, methods: int) -> str:
    """What there is to say of a map, in plain words.

    name: of the method.
    shares: of the heat in the lungs, None without any heat, and of an even spread; None without lungs.
    similar: how many other methods agree.
    methods: how many there are.
    """
    told = [f"{name}:"]
    if shares is not None and shares[0] is None:
        told.append(tr("no heat anywhere."))
    elif shares is not None:
        told.append(
            tr(
                "{inside:.0%} of the heat lies in the lungs or between them; "
                "an even spread would put {even:.0%} there."
            ).format(inside=shares[0], even=shares[1])
        )
    if methods:
        told.append(
            tr("{similar} of {methods} other methods agree.").format(similar=similar, methods=methods)
        )
    return " ".join(told)


def blurred(card: Card, score: float) -> str:
    """What the model says where there is nothing left to see. score: of the scan blurred all over."""
    if card.modality == CHEST_FILM:
        return tr("Blurred all over, this film still scores {score:.2f}.").format(score=score)
    return tr("Blurred all over, this scan still scores {score:.2f}.").format(score=score)


def beside(names: Iterable[str]) -> str:
    """What follows the words for a picture beside which other scans stand. names: of those."""
    return "".join(tr(", beside it {name}").format(name=name) for name in names)


def unreliable(methods: Sequence[str], better: str) -> str:
    """methods: that the card's table finds unreliable. better: the one to prefer, empty without one."""
    told = ntr(
        "{methods} is unreliable for this model.", "{methods} are unreliable for this model.", len(methods)
    ).format(methods=tr(" and ").join(methods))
    return told + (tr(" Prefer {better}.").format(better=better) if better else "")


def found_outlines(tables: Mapping[str, Mapping[str, Localisation]], name: str) -> str:
    """How often the hottest place of an outline's probabilities lies in a lesion, on scans held out.

    tables: the card's, per set of outlined scans.
    name: of the row.
    """
    rows = ((source, table[name], table[name].pointing_interval) for source, table in tables.items())
    shares = (
        tr("{pointing:.0%} ({low:.0%}-{high:.0%}) of {n} {source}").format(
            pointing=row.pointing, low=low, high=high, n=row.n, source=source
        )
        for source, row, (low, high) in rows
    )
    return tr("**Useful** for finding disease: its surest place lay in a lesion in {shares}.").format(
        shares=tr(" and ").join(shares)
    )


def map_worth(word: str, method: str) -> str:
    """What a method is worth for finding disease. word: as core.evaluation.localisation says it."""
    return tr(sentences.MAP_WORTH[word]).format(method)
