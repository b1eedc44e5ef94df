"""Many films at once, labelled and not."""

from streamlit.testing.v1 import AppTest

from tests.pages.app import opened, words
from tests.phantoms.chest import chest, png


def dropped(app: AppTest, **files: bytes) -> AppTest:
    for name, content in files.items():
        app.file_uploader[0].upload(f"{name}.png", content, "image/png")
    return app.run()


def test_films_are_listed_by_doubt_and_a_bad_one_comes_first():
    app = opened("pages/screen.py")
    app = dropped(app, clear=png(chest()), hazy=png(chest(opacity=0.4)), broken=b"no picture")
    table = app.dataframe[0].value
    assert not app.exception
    assert table["scan"][0] == "broken.png"
    assert table["status"].tolist() == ["unreadable", "ok", "ok"]
    margins = table["from threshold"][1:].tolist()
    assert margins == sorted(margins)


def test_a_table_of_labels_opens_the_report_and_the_misread():
    app = opened("pages/screen.py")
    films = {f"n{k}": png(chest(seed=k)) for k in range(2)} | {
        f"p{k}": png(chest(opacity=0.5, seed=k)) for k in range(2)
    }
    app = dropped(app, **films)
    rows = "".join(f"{name}.png,{'normal' if name[0] == 'n' else 'pneumonia'},F\n" for name in films)
    app.file_uploader[1].upload("labels.csv", b"name,label,sex\n" + rows.encode(), "text/csv")
    app = app.run()
    assert not app.exception
    assert [tab.label for tab in app.tabs] == ["Worklist", "How did it do", "Misread"]
    assert "On these 4 scans the AUC is" in words(app)
    assert any("train.new" in line.value for line in app.code)


def test_a_table_without_its_columns_is_said():
    app = opened("pages/screen.py")
    app.file_uploader[1].upload("labels.csv", b"file;class\n", "text/csv")
    assert "name and label" in app.run().error[0].value


def test_what_labels_leave_out_and_one_class_alone_are_said_before_judging():
    app = opened("pages/screen.py")
    app.file_uploader[1].upload("labels.csv", b"Name;Label\na.png;0\nb.png;PNEUMONIAS\n", "text/csv")
    app = dropped(app, a=png(chest()), b=png(chest(seed=1)))
    said = app.warning[0].value
    assert "PNEUMONIAS: did you mean pneumonia? Left out: 1." in said
    assert "All labelled films are normal" in said
