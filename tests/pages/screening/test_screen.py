"""Many films at once, labelled and not: listed, marked, and still there after other pages."""

import csv
import io

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.caches import scores
from pages.shared.session import worklist
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views.screening import listing
from pages.shared.views.screening.judging import WorklistRow
from tests.pages.app import opened, words
from tests.phantoms.chest import chest, png
from tests.quick import CLASSIFIER as CARD

FILMS = {"clear": png(chest()), "hazy": png(chest(opacity=0.4)), "broken": b"no picture"}


def dropped(app: AppTest, **files: bytes) -> AppTest:
    for name, content in files.items():
        app.file_uploader[0].upload(f"{name}.png", content, "image/png")
    return app.run()


def listed(app: AppTest) -> list[str]:
    """The rows of the list, in their order, without their pictures."""
    return [button.label.partition(") ")[2] or button.label for button in rows(app)]


def rows(app: AppTest):
    return [button for button in app.button if str(button.key).startswith("row-")]


def click(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def table(app: AppTest) -> list[dict[str, str]]:
    """What the list's CSV holds."""
    made: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        write = listing.as_csv
        patch.setattr(listing, "as_csv", lambda lines: made.append(write(lines)) or made[-1])
        app.run()
    return list(csv.DictReader(io.StringIO(made[-1])))


def test_what_cannot_be_read_comes_first_and_then_the_highest_score():
    app = dropped(opened("pages/screen.py"), **FILMS)
    assert not app.exception
    names = [row["scan"] for row in table(app)]
    found = [float(line["score"]) for line in table(app)[1:]]
    assert names[0] == "broken.png"
    assert "unreadable" in listed(app)[0]
    assert found == sorted(found, reverse=True)
    assert app.button(key=rows(app)[0].key)  # it is open
    assert "no picture to show" in words(app)


def test_doubt_orders_by_how_many_test_scans_lie_between_score_and_threshold():
    app = dropped(opened("pages/screen.py"), **FILMS, third=png(chest(opacity=0.2, seed=3)))
    app = next(group for group in app.button_group if group.label == "Order").set_value("doubt").run()
    found = [float(line["score"]) for line in table(app)[1:]]
    doubts = [scores.share_between(CARD.id, score, CARD.threshold) for score in found]
    assert doubts == sorted(doubts)
    assert len(doubts) == 3


def test_nothing_is_lost_by_opening_a_film_and_coming_back():
    app = dropped(opened("pages/screen.py"), **FILMS)
    app = click(app, "Next")
    at = table(app)[1]["scan"]
    app = next(box for box in app.text_input if box.label == "Note").set_value("look again").run()
    app = click(app, "Open in Diagnose")
    assert not app.exception
    assert [scan.name for scan in app.session_state["scans"].values()] == [at]
    for page in ("pages/models.py", "pages/screen.py"):
        app = app.switch_page(page).run()
    found = table(app)
    assert {row["scan"] for row in found} == {f"{name}.png" for name in FILMS}
    assert [row["note"] for row in found] == ["", "look again", ""]
    assert f". {at}**" in next(row.label for row in rows(app) if row.proto.type == "secondary")


def test_a_verdict_is_marked_and_the_next_film_opens():
    app = click(dropped(opened("pages/screen.py"), **FILMS), "Next")
    app = click(app, "Differ")
    found = table(app)
    assert [row["reader"] for row in found] == ["", "differs", ""]
    assert found[1]["reader saw"] == found[1]["verdict"]
    assert "differs" in listed(app)[1]
    app = click(app, "Agree")  # of the last one, which stays open
    assert [row["reader"] for row in table(app)] == ["", "differs", "agrees"]


def test_the_keys_are_those_of_the_hand_that_reads():
    app = click(dropped(opened("pages/screen.py"), **FILMS), "Next")
    keys = {button.label: button.proto.shortcut for button in app.button if button.proto.shortcut}
    assert keys == {"Previous": "k", "Next": "j", "Agree": "a", "Differ": "d"}


def test_a_list_is_cleared_with_all_that_was_said_of_it():
    app = click(click(dropped(opened("pages/screen.py"), **FILMS), "Next"), "Agree")
    app = click(app, "Clear the list")
    assert not app.exception
    assert not rows(app)
    assert not app.session_state["worklist"]
    assert "worklist-marks" not in app.session_state or not app.session_state["worklist-marks"]


def test_films_beyond_the_room_are_named_and_the_others_stay(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worklist, "ROOM", len(FILMS["clear"]) + 1)
    app = dropped(opened("pages/screen.py"), clear=FILMS["clear"], hazy=FILMS["hazy"])
    assert "1 films do not fit" in app.warning[0].value
    assert "hazy.png" in app.warning[0].value
    assert len(rows(app)) == 1


def test_a_table_of_labels_opens_the_report_and_the_misread():
    app = opened("pages/screen.py")
    films = {f"n{k}": png(chest(seed=k)) for k in range(2)} | {
        f"p{k}": png(chest(opacity=0.5, seed=k)) for k in range(2)
    }
    app = dropped(app, **films)
    labels = "".join(f"{name}.png,{'normal' if name[0] == 'n' else 'pneumonia'},F\n" for name in films)
    app.file_uploader[1].upload("labels.csv", b"name,label,sex\n" + labels.encode(), "text/csv")
    app = app.run()
    assert not app.exception
    assert [tab.label for tab in app.tabs] == ["Worklist", "How did it do", "Misread"]
    assert "On these 4 scans the AUC is" in words(app)
    assert any("train.new" in line.value for line in app.code)
    app = app.switch_page("pages/models.py").run().switch_page("pages/screen.py").run()
    assert "How did it do" in [tab.label for tab in app.tabs]


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


def row(score: float | None, name: str = "film") -> WorklistRow:
    status = "unreadable" if score is None else "ok"
    return WorklistRow(name, status, score, "", {}, worklist.File(name, name, b""))


def test_borderline_is_the_refer_band_or_what_lies_closely_below():
    low = CARD.threshold
    banded, bare = DecisionThreshold(low, low + 0.1), DecisionThreshold(low)
    found = [
        listing.group(CARD, row(score), banded) for score in (None, low + 0.1, low + 0.05, low - 0.001, 0.0)
    ]
    assert found == ["not read", "suspicious", "borderline", "below threshold", "below threshold"]
    found = [listing.group(CARD, row(score), bare) for score in (low, low - 0.001, 0.0)]
    assert found == ["suspicious", "borderline", "below threshold"]


def test_of_a_long_list_the_part_with_the_open_film_is_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listing, "PAGE", 2)
    app = dropped(opened("pages/screen.py"), **FILMS)
    assert len(rows(app)) == 2
    assert "1 to 2 of 3." in words(app)
    app = click(click(app, "Next"), "Next")
    assert len(rows(app)) == 1
    assert "3 to 3 of 3." in words(app)
