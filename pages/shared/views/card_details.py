"""A card in full: figures, data, limits."""

from collections.abc import Sequence

import streamlit as st

from core import names
from core.card_types import Card, Localisation
from core.types import Trust
from pages.shared import sentences, wording
from pages.shared.caches import models, scores
from pages.shared.language import ntr, tr
from pages.shared.views import charts, explainer_names

SHOWN = (
    names.AUROC_EQUAL_SHARPNESS,
    names.YARDSTICK_CORRELATION,
    names.MILLISECONDS_PER_SCAN,
    names.MEMORY_MB,
    names.NOMINAL_FPR,
)


def show_figures(card: Card) -> None:
    """Curves and what the card's threshold costs, on validation and on test."""
    points = {name: report.points[0] for name, report in card.report.items()}
    curves, price = st.columns(2, gap="medium")
    with curves:
        st.plotly_chart(
            charts.roc({name: report.roc for name, report in card.report.items()}, points),
            config=charts.PLAIN,
            alt=tr("ROC of validation and test with the card's threshold"),
        )
    with price:
        for report in card.report.values():
            st.write(wording.auc(report))
        abnormal = card.labels[1] if len(card.labels) == 2 else tr("abnormal")
        st.dataframe(charts.confusion(points["test"], (card.labels[0], abnormal)), hide_index=True)
        if points["test"].policy:
            chosen = wording.chosen_by(card, scores.training_normals(card.id))
            said = tr("Test scans at threshold {threshold:.3f}, {chosen}.")
            st.caption(said.format(threshold=card.threshold, chosen=chosen))
    st.dataframe(charts.metrics(points), hide_index=True)
    st.caption(tr(sentences.BY_SCAN))
    looks = models.test_openings(card.id)
    st.write(
        ntr(
            "The test split was opened {looks} time, as far as the card's log knows.",
            "The test split was opened {looks} times, as far as the card's log knows.",
            looks,
        ).format(looks=looks)
        if looks
        else tr("How often the test split was opened is not known: the card has no log.")
    )
    shift = card.shift
    st.write(
        tr(
            "From validation to test: AUC {auc:+.3f}, sensitivity {sensitivity:+.3f}, "
            "specificity {specificity:+.3f}; the scores of normal scans differ by "
            "{normals_ks:.2f} (Kolmogorov-Smirnov distance, 0 identical to 1 disjoint)."
        ).format(
            auc=shift["auc"],
            sensitivity=shift["sensitivity"],
            specificity=shift["specificity"],
            normals_ks=shift["normals_ks"],
        )
    )


def show_detectors(chosen: Card, cards: Sequence[Card]) -> None:
    """The chosen detector among all of its task, and what else was measured of it."""
    rivals = [card for card in cards if card.kind == "detector" and card.task == chosen.task]
    if chosen not in rivals:
        return
    st.subheader(tr("All detectors of this task: {task}").format(task=wording.task(chosen.task)))
    share, whole, two, three = (
        st.column_config.NumberColumn(format=form) for form in ("percent", "%.0f", "%.2f", "%.3f")
    )
    st.dataframe(
        [_detector_row(card) for card in sorted(rivals, key=lambda card: -card.report["test"].auc)],
        hide_index=True,
        column_config={
            **dict.fromkeys(
                ("AUROC", tr("AUROC, equal detail"), tr("detail alone then"), tr("accuracy")), three
            ),
            **dict.fromkeys(("ms", "MB"), whole),
            tr("false alarms"): share,
            tr("correlation with the yardstick"): two,
        },
        key="detectors",
    )
    nominal = chosen.figures.get(names.NOMINAL_FPR)
    st.caption(
        (
            tr("Accuracy and false alarms at each threshold, set on normal validation scans alone.")
            if nominal is None
            else tr(
                "Accuracy and false alarms at each threshold, set on normal validation scans alone to call "
                "{nominal:.0%} of normals abnormal."
            ).format(nominal=nominal)
        )
        + " "
        + tr(sentences.ALL_DETECTORS)
    )
    others = {name: value for name, value in chosen.figures.items() if name not in SHOWN}
    st.dataframe(
        [{tr("figure"): name, tr("value"): f"{value:.3g}"} for name, value in others.items()], hide_index=True
    )


def _detector_row(card: Card) -> dict[str, str | float | None]:
    report, even = card.report["test"], scores.equal_detail(card.id)
    return {
        tr("detector"): card.title,
        "AUROC": report.auc,
        tr("95 % interval"): wording.interval(report.auc_interval),
        tr("accuracy"): report.points[0].accuracy,
        tr("false alarms"): 1 - report.points[0].specificity,
        tr("AUROC, equal detail"): None if even is None else even[0],
        tr("detail alone then"): None if even is None else even[1],
        tr("correlation with the yardstick"): card.figures.get(names.YARDSTICK_CORRELATION),
        "ms": card.figures.get(names.MILLISECONDS_PER_SCAN),
        "MB": card.figures.get(names.MEMORY_MB),
    }


def show_refusals(card: Card) -> None:
    """What the gate refused when it was measured, by kind of picture."""
    if card.gate is None:
        return
    st.subheader(tr("What it refuses to read"))
    rows = [
        {
            tr("picture"): row.kind,
            tr("should be"): tr("refused") if row.wanted else tr("read"),
            tr("tried"): row.n,
            tr("refused"): row.refused / row.n,
            tr("by which check"): ", ".join(f"{test} {count}" for test, count in row.tests.items()),
        }
        for row in card.gate.refusals
    ]
    share = st.column_config.NumberColumn(format="percent")
    st.dataframe(rows, hide_index=True, column_config={tr("refused"): share})
    sources = ", ".join(f"{name}: {value}" for name, value in card.gate.data.items())
    st.caption(
        tr(
            "Learned check: feature distance at most {threshold:.2f}, which "
            "{quantile:.0%} of each validation set pass ({sources}). Measured with: "
            "{command}"
        ).format(
            threshold=card.gate.threshold,
            quantile=card.gate.quantile,
            sources=sources,
            command=card.gate.command,
        )
    )


def show_trust(card: Card, best: str | None) -> None:
    """How far each heat map of the card can be trusted. best: the method that Diagnose opens with."""
    if not card.trust:
        return
    from core.explainers import trust

    st.subheader(tr("Which heat map to trust"))
    rows = [_trust_row(name, row, first=name == best) for name, row in card.trust.items()]
    row = next(iter(card.trust.values()))
    random = {tr("deletion"): row.random_deletion, tr("insertion"): row.random_insertion}
    rows.append({tr("method"): tr("random map"), tr("scans"): row.n, **random})
    measured = [name for name in rows[0] if name not in (tr("method"), tr("note"), tr("scans"))]
    formats = {name: st.column_config.NumberColumn(format="%.2f") for name in measured}
    st.dataframe(rows, hide_index=True, column_config=formats, placeholder="", key="trust")
    if best and not trust.is_trustworthy(card.trust[best]):
        st.write(tr("No method is reliable on this card: trust none of its heat maps alone."))
    st.caption(
        tr(
            "Means over test scans, each for its most probable class. Deletion, insertion: area under the "
            "probability, in bfloat16, while the hottest places are blurred, or shown, first; less "
            "deletion and more insertion are better. Similarity: rank correlation with the map of a "
            "network whose head, later half or all layers were set to random weights. On normals: heat "
            "relative to that on abnormal scans, for the last class. Default: Diagnose opens with it. Not "
            "reliable: similarity of {limit} or more, so the map ignores what was learned, or {heat:.0f} "
            "or more on normals, so it is as hot there."
        ).format(limit=trust.MAX_RANDOMISED_CORRELATION, heat=trust.MAX_NORMAL_HEAT)
    )


def _trust_row(method: str, row: Trust, *, first: bool) -> dict[str, str | float]:
    from core.explainers import trust

    notes = {tr("default"): first, tr("not reliable"): not trust.is_trustworthy(row)}
    return {
        tr("method"): explainer_names.name(method),
        tr("note"): ", ".join(note for note, holds in notes.items() if holds),
        tr("scans"): row.n,
        tr("deletion"): row.deletion,
        tr("insertion"): row.insertion,
        **{tr("similarity: {stage}").format(stage=tr(stage)): value for stage, value in row.sanity.items()},
        tr("on normals"): row.normal_heat,
        tr("seconds"): row.seconds,
    }


def show_localisation(card: Card) -> None:
    """Whether the card's maps are hot where radiologists outlined disease, beside maps that know nothing."""
    for name, table in card.localisation.items():
        st.subheader(tr("Do its maps find disease? {name}").format(name=name))
        some = next(iter(table.values()))
        st.dataframe(
            [_localisation_row(card, method, row) for method, row in table.items()],
            hide_index=True,
            placeholder="",
            key=f"localisation-{name}",
        )
        st.caption(tr(sentences.LOCALISATION).format(reported=some.n, chosen=some.chosen_on))


def _localisation_row(card: Card, method: str, row: Localisation) -> dict[str, str | float]:
    from core.evaluation.localisation import BASELINES, word

    return {
        tr("map"): explainer_names.name(method),
        tr("worth"): tr("knows nothing")
        if method in BASELINES
        else tr(str(word(card.localisation, method) or "")),
        tr("pointing game"): wording.with_interval(row.pointing, row.pointing_interval),
        tr("average precision"): wording.with_interval(row.average_precision, row.average_precision_interval),
        tr("overlap"): wording.with_interval(row.overlap, row.overlap_interval),
        tr("heat inside"): f"{row.energy:.0%}",
    }


def show_use(card: Card) -> None:
    """What the model is for, and what it is not."""
    st.subheader(tr("Use and limits"))
    st.write(card.intended_use)
    st.markdown("\n".join(f"- {limit}" for limit in card.limitations))


def show_making(card: Card) -> None:
    """Of what and how it was made, and of which members."""
    st.subheader(tr("Data and training"))
    if members := _members(card):
        st.write(tr("Made of {members}.").format(members=", ".join(members)))
    st.markdown("\n".join(f"- {name}: {value}" for name, value in card.data.items()))
    st.caption(
        tr(
            "{parameters:,} parameters, trained {minutes:.0f} min, "
            "seed {seed}, code {commit}, weights {sha256}"
        ).format(
            parameters=card.training.parameters,
            minutes=card.training.minutes,
            seed=card.seed,
            commit=card.commit,
            sha256=card.sha256[:12],
        )
    )
    st.code(card.training.command, language=None)
    show_training(card)


def _members(card: Card) -> list[str]:
    """Titles and ids of the cards that an ensemble asks, or of the one that another head reads."""
    named = [
        name.partition("@")[0]
        for key in ("members", "of")
        for name in str(card.arguments.get(key, "")).split()
    ]
    titles = {known.id: known.title for known in models.every_card()}
    return [f"{titles.get(name, name)} ({name})" for name in named]


def show_training(card: Card) -> None:
    """Losses and validation figures by epoch, for networks that were trained in epochs."""
    curve = card.training.curve
    if not curve:
        return
    st.subheader(tr("Training"))
    epochs = [row["epoch"] for row in curve]
    columns = [name for name in curve[0] if name not in ("epoch", "closeness")]
    groups = {
        "loss": [name for name in columns if "loss" in name],
        "validation": [name for name in columns if "loss" not in name][:3],
    }
    for place, (title, figures) in zip(st.columns(2, gap="medium"), groups.items(), strict=True):
        if figures:
            lines = {name.replace("_", " "): (epochs, [row[name] for row in curve]) for name in figures}
            place.plotly_chart(
                charts.lines(lines, x=tr("epoch"), y=tr(title)),
                config=charts.PLAIN,
                alt=tr("{title} by epoch").format(title=tr(title).capitalize()),
                key=f"training-{title}",
            )
