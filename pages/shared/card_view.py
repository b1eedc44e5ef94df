"""A card laid open: figures, data, limits."""

import streamlit as st

from core.types import Card
from pages.shared import charts


def show_figures(card: Card) -> None:
    """Curves and the price of the card's threshold, on validation and on test."""
    points = {name: report.points[0] for name, report in card.report.items()}
    curves, price = st.columns(2, gap="medium")
    with curves:
        st.plotly_chart(
            charts.roc({name: report.roc for name, report in card.report.items()}, points),
            config=charts.PLAIN,
            alt="ROC of validation and test with the card's threshold",
        )
    with price:
        for report in card.report.values():
            st.write(charts.auc_line(report))
        st.dataframe(charts.confusion(points["test"], card.labels[:2]), hide_index=True)
        if points["test"].policy:
            st.caption(
                f"Test scans at threshold {card.threshold:.3f}, chosen on validation by {card.policy.name}."
            )
    st.dataframe(charts.metrics(points), hide_index=True)
    shift = card.shift
    st.write(
        f"From validation to test: AUC {shift['auc']:+.3f}, sensitivity {shift['sensitivity']:+.3f}, "
        f"specificity {shift['specificity']:+.3f}; the normals' scores differ by {shift['normals_ks']:.2f} "
        "(Kolmogorov-Smirnov, 0 alike to 1 apart)."
    )


def show_text(card: Card) -> None:
    """What the model is for, and what it is not."""
    use, made = st.columns(2, gap="medium")
    with use:
        st.subheader("Use and limits")
        st.write(card.intended_use)
        st.markdown("\n".join(f"- {limit}" for limit in card.limitations))
    with made:
        st.subheader("Data and training")
        st.markdown("\n".join(f"- {name}: {value}" for name, value in card.data.items()))
        st.caption(
            f"{card.training.parameters:,} parameters, trained {card.training.minutes:.0f} min, "
            f"seed {card.seed}, code {card.commit}, weights {card.sha256[:12]}"
        )
        st.code(card.training.command, language=None)
        epochs = [row["epoch"] for row in card.training.curve]
        figures = [name for name in card.training.curve[0] if name not in ("epoch", "loss", "closeness")][:2]
        st.plotly_chart(
            charts.lines(
                {name: (epochs, [row[name] for row in card.training.curve]) for name in figures},
                x="epoch",
                y="validation",
            ),
            config=charts.PLAIN,
            alt="Validation figures by epoch",
        )
