"""The app as Streamlit runs it but without a browser: opened, given a film, read."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.phantoms.chest import chest, png
from tests.quick import CLASSIFIER, DETECTOR

APP = Path(__file__).resolve().parents[2] / "app.py"
VERDICT = 'class="opacity-verdict"'
FILM = png(chest(opacity=0.4))
SCAN_PAGES = ["pages/diagnose.py", "pages/anomaly.py"]
ALL_PAGES = [
    *SCAN_PAGES,
    *(f"pages/{name}.py" for name in ("thresholds", "neighbours", "screen", "models", "samples")),
]


def started(*, welcomed: bool = True) -> AppTest:
    """The app before its first run, with a quick model chosen for each kind of page.

    welcomed: whether the session is past the first screen, on which a sample is read unasked.
    """
    app = AppTest.from_file(APP, default_timeout=120)
    if welcomed:
        app.session_state["welcomed"] = True
    app.session_state["chosen"] = [DETECTOR.id, CLASSIFIER.id]
    return app


def opened(page: str, **address: str) -> AppTest:
    """The page as a link opens it, run once. address: what the link says after its `?`."""
    app = started()
    app.session_state["requested_page"] = (page, address)
    return app.run()


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    return app.file_uploader[0].upload(name, content, "image/png").run()


def words(app: AppTest) -> str:
    """All text that st.html and captions put on the page."""
    parts = [element.proto.body for element in app.get("html")]
    return " ".join([*parts, *(c.value for c in app.caption), *(m.value for m in app.markdown)])
