"""English in the code, another language in one file: nothing missing, nothing bent, nothing shared."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from streamlit.testing.v1 import AppTest

from pages.shared import language
from tests.pages.app import ALL_PAGES, FILM, opened, started, upload, words

ROOT = Path(__file__).resolve().parents[2]
OTHERS = [code for code in language.CODES if code != language.CODE]
catalogues = import_module("pages.shared.locale.__main__")
SPOKEN = ("write", "caption", "subheader", "header", "title", "info", "warning", "error", "success")
LABELLED = ("button", "toggle", "checkbox", "expander", "selectbox", "multiselect", "text_input", "pills")
LABELLED += ("segmented_control", "number_input", "text_area", "file_uploader", "download_button", "popover")


def known(code: str) -> Catalog:
    with (language.LOCALE / f"{code}.po").open("rb") as file:
        return read_po(file, code)


def messages(code: str) -> list[Message]:
    return [message for message in known(code) if message.id]


def both(message: Message) -> tuple[list[str], list[str]]:
    """English and the other language, each with all its forms."""
    return tuple([side] if isinstance(side, str) else list(side) for side in (message.id, message.string))


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_holds_the_sentences_of_the_app_and_no_other(code: str):
    wanted = {message.id for message in catalogues.template() if message.id}
    assert {message.id for message in messages(code)} == wanted


@pytest.mark.parametrize("code", OTHERS)
def test_every_sentence_is_translated(code: str):
    assert [message.id for message in messages(code) if message.fuzzy or not all(both(message)[1])] == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_has_the_fields_of_its_sentence(code: str):
    for message in messages(code):
        english, other = ({fields(form) for form in side} for side in both(message))
        assert other == english, message.id


def fields(sentence: str) -> tuple[tuple[str, str], ...]:
    """Names in braces with how they are formatted, in no order."""
    found = ((name, form or "") for _, name, form, _ in Formatter().parse(sentence) if name is not None)
    return tuple(sorted(found))


@pytest.mark.parametrize("code", OTHERS)
def test_a_part_of_a_sentence_keeps_the_spaces_that_join_it(code: str):
    for message in messages(code):
        for english, other in zip(*both(message), strict=False):
            assert [other[0] == " ", other[-1] == " "] == [english[0] == " ", english[-1] == " "], english


def unspoken() -> Iterator[str]:
    """Texts that the pages hand to Streamlit as they stand in the code."""
    for path in [ROOT / "app.py", *(ROOT / "pages").rglob("*.py")]:
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args:
                text = bare_text(call.args[0])
                if call.func.attr in (*SPOKEN, *LABELLED) and re.search(
                    r"[a-z]{2} [a-z]|^[A-Z][a-z]{2}", text
                ):
                    yield f"{path.relative_to(ROOT)}:{call.lineno}: {text}"


def bare_text(node: ast.expr) -> str:
    """What stands in the code of a literal; nothing of any other expression, or of Markdown around fields."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))


def test_what_is_shown_is_looked_up():
    assert list(unspoken()) == []


@pytest.mark.parametrize("page", ALL_PAGES)
def test_a_page_in_german_says_nothing_in_english(page: str):
    app = shown_in("de", page)
    assert not app.exception
    english = {
        str(message.id) for message in messages("de") if message.id != message.string and sentence(message)
    }
    assert [text for text in texts(app) if text in english] == []
    differing = {message.id for message in messages("de") if message.id != message.string}
    assert [name for table in app.dataframe for name in table.value.columns if name in differing] == []
    assert "nicht für den klinischen Einsatz" in words(app)


def shown_in(code: str, page: str) -> AppTest:
    app = started()
    app.query_params["lang"] = code
    app = app.run()
    return app if page == ALL_PAGES[0] else app.switch_page(page).run()


def sentence(message: Message) -> bool:
    """Whether it can stand alone and differs: "normal" and "Name" are words of both languages."""
    alone = isinstance(message.id, str) and (" " in message.id or message.id[0].isupper())
    return alone and message.id != message.string


def texts(app: AppTest) -> Iterator[str]:
    """Everything a page says, element by element; of a choice its label, as its value is no text."""
    for element in [*app.main, *app.sidebar]:
        names = ("label", "help") if hasattr(element, "label") else ("value", "help")
        said = (getattr(element, name, "") for name in names)
        yield from (text.strip() for text in said if isinstance(text, str))


def test_a_verdict_is_german_and_the_address_carries_the_language():
    app = upload(shown_in("de", ALL_PAGES[0]), "film.png", FILM)
    assert re.search("Verdacht auf|Unter dem Schwellenwert für", words(app))
    assert app.query_params["lang"] == "de"


def test_a_language_chosen_on_one_page_holds_on_the_next():
    app = opened("pages/diagnose.py")
    assert "lang" not in app.query_params
    box = next(group for group in app.button_group if group.key == "language-box")
    app = box.select("de").run()
    assert "nicht für den klinischen Einsatz" in words(app)
    app = app.switch_page("pages/models.py").run()
    assert "nicht für den klinischen Einsatz" in words(app)
    assert app.query_params["lang"] == "de"


def test_two_sessions_at_once_speak_two_languages():
    german = shown_in("de", "pages/samples.py")
    assert "not for clinical use" in words(opened("pages/samples.py"))
    assert "nicht für den klinischen Einsatz" in words(german.run())


def test_an_unknown_language_is_english():
    assert "not for clinical use" in words(shown_in("xx", "pages/samples.py"))


def test_a_components_scripts_get_their_own_words_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(language, "current", lambda: "de")
    sent = language.for_component("tour")
    assert sent["language"] == "de"
    assert sent["words"]["Done"] == "Fertig"
    assert "Full screen" not in sent["words"]


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_says_its_own_name(code: str):
    assert {"de": "Deutsch"}.get(code, language.name(code)) == language.name(code)
    assert language.name("en") == "English"
