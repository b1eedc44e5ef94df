"""A reader study from its start to its files."""

import io
from collections.abc import Callable

from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

from core.evaluation import readers
from tests.pages.app import opened, words
from tests.phantoms.chest import chest, png

FILMS = {f"{'np'[k % 2]}{k}": png(chest(opacity=0.5 * (k % 2), seed=k)) for k in range(4)}
LABELS = b"name,label\n" + b"".join(
    f"{name}.png,{'normal' if name[0] == 'n' else 'pneumonia'}\n".encode() for name in FILMS
)


def click(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def begun(*, labelled: bool = True) -> AppTest:
    app = opened("pages/screen.py")
    if labelled:
        app.file_uploader[1].upload("labels.csv", LABELS, "text/csv")
    for name, content in FILMS.items():
        app.file_uploader[0].upload(f"{name}.png", content, "image/png")
    app = app.run()
    app = next(group for group in app.button_group if group.label == "Use").set_value("Reader study").run()
    app = next(box for box in app.text_input if box.label.startswith("Reader")).set_value("Ann").run()
    return click(app, "Read 4 films")


def read_all(app: AppTest, certainty: Callable[[str, str], int]) -> AppTest:
    """Answer every film. certainty: of a stage and the film's name, which the reader does not see."""
    study = app.session_state["study"]
    names = {file.file_id: file.name for file in app.session_state["worklist"]}
    for stage in ("alone", "helped"):
        for film in study.orders[stage]:
            assert ("Suspicious" in words(app) or "Below threshold" in words(app)) == (stage == "helped")
            assert names[film] not in words(app)
            key = f"certainty-{stage}-{film}-{certainty(stage, names[film])}"
            app = app.button(key=key).click().run()
            assert not app.exception
    return app


def test_every_film_is_read_twice_blind_and_the_help_is_weighed(taken):
    # alone everything is called right but n0; with help n0 comes right and p1 goes wrong
    odd = {("alone", "n0.png"): 4, ("helped", "p1.png"): 2}
    app = begun()
    app = read_all(app, lambda stage, name: odd.get((stage, name), 1 if name[0] == "n" else 6))
    assert "1 reader, 4 films, 2 of them abnormal." in words(app)
    assert [title.value for title in app.main.subheader] == ["Where the help hurt: 1", "Where it helped: 1"]
    rows = readers.read(str(taken["CSV of your answers"]).encode(), "study.csv")
    assert {row.case: (row.alone, row.helped) for row in rows} == {
        "n0.png": (4, 1),
        "n2.png": (1, 1),
        "p1.png": (6, 2),
        "p3.png": (6, 6),
    }
    assert all(row.reader == "Ann" and row.seconds_alone >= 0 for row in rows)
    page = taken["PDF of the outcome"]
    assert callable(page)
    said = " ".join(PdfReader(io.BytesIO(page())).pages[0].extract_text().split())
    assert "Reader study" in said
    assert "With the model the mean AUC moved by" in said
    assert "not for clinical use" in said


def test_another_readers_file_makes_it_a_study_of_several(taken):
    app = read_all(begun(), lambda _, name: 2 if name[0] == "n" else 5)
    own = str(taken["CSV of your answers"])
    uploader = next(box for box in app.file_uploader if box.label.startswith("Answers of other"))
    app = uploader.upload("bob.csv", own.replace("Ann,", "Bob,").encode(), "text/csv").run()
    assert "2 readers, 4 films" in words(app)
    assert "Obuchowski" in words(app)
    uploader = next(box for box in app.file_uploader if box.label.startswith("Answers of other"))
    app = uploader.upload("ann.csv", own.encode(), "text/csv").run()
    assert "there is a reader Ann already" in app.error[0].value


def test_without_labels_the_answers_can_still_be_taken_away(taken):
    app = read_all(begun(labelled=False), lambda *_: 3)
    assert "needs two normal and two abnormal cases" in app.info[0].value
    assert len(readers.read(str(taken["CSV of your answers"]).encode(), "study.csv")) == 4


def test_a_study_outlives_other_pages_and_ends_when_asked():
    app = begun()
    film = app.session_state["study"].orders["alone"][0]
    app = app.button(key=f"certainty-alone-{film}-2").click().run()
    app = app.switch_page("pages/models.py").run().switch_page("pages/screen.py").run()
    assert app.session_state["study"].answers["alone"][film][0] == 2
    app = click(app, "End this study")
    assert "study" not in app.session_state
    assert "Read 4 films" in [button.label for button in app.button]
