"""Words in the session's language: English as it stands in the code, any other as locale/ has it.

gettext, as everywhere else: `tr` where a sentence is shown, `later` around one that is named first and shown
elsewhere. A language is one file, pages/shared/locale/CODE.po, which `python -m pages.shared.locale` keeps in
step with the code. Threads serve many visitors, so the language belongs to the session, never to the process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

Translator = Callable[[str], str]
LOCALE: Final = Path(__file__).parent / "locale"
CODE: Final = "en"  # what the code is written in
CODES: Final = (CODE, *sorted(path.stem for path in LOCALE.glob("*.po")))


def tr(sentence: str) -> str:
    """The sentence in this session's language; in English where that has none. Fields in braces stay."""
    return _translations(current()).gettext(sentence) if sentence else ""


def ntr(one: str, several: str, count: int) -> str:
    """The sentence for that many, in this session's language.

    one: the sentence for one.
    several: the sentence for any other number.
    count: how many; it fills no field.
    """
    return _translations(current()).ngettext(one, several, count)


def translator() -> Translator:
    """`tr` in this session's language, for what runs when the session cannot be asked, as a download does."""
    return _translations(current()).gettext


def later(sentence: str) -> str:
    """The sentence itself: it belongs to the catalogue, and `tr` is called where it is shown."""
    return sentence


def current() -> str:
    """The code of this session's language."""
    code: str = st.session_state.get("language", CODE)
    return code


@cache
def name(code: str) -> str:
    """What the language calls itself."""
    from babel import Locale

    return str(Locale.parse(code).get_language_name(code)).capitalize()


def settle() -> None:
    """Before anything is shown: what the address asks for, else what was chosen, else the browser's own.

    The address names what was asked for or chosen, so that a copied link opens in the same language.
    """
    asked, held = st.query_params.get("lang"), st.session_state.get("language")
    if asked in CODES and held is None:
        choose(asked)
    elif held is None:
        own = (st.context.locale or CODE).partition("-")[0]
        st.session_state["language"] = own if own in CODES else CODE
    if st.session_state.get("language-chosen"):
        st.query_params["lang"] = current()


def choose(code: str) -> None:
    """Speak it for the rest of the session. code: of CODES."""
    st.session_state["language"], st.session_state["language-chosen"] = code, True


def offer() -> None:
    """The choice, at the foot of the sidebar."""
    st.session_state["language-box"] = current()  # set anew in each run: another page may have chosen
    with st.sidebar, st.container(key="language"):
        st.segmented_control(
            tr("Language"),
            CODES,
            format_func=name,
            required=True,
            key="language-box",
            label_visibility="collapsed",
            on_change=lambda: choose(st.session_state["language-box"]),
        )


def for_component(folder: str) -> dict[str, Any]:
    """What a component's scripts need to speak: the language, and their words by the English ones.

    folder: of the component, in pages/shared/components.
    """
    return {"language": current(), "words": _words_under(current(), f"pages/shared/components/{folder}/")}


@cache
def _translations(code: str) -> NullTranslations:
    if code == CODE:
        return NullTranslations()
    from babel.messages import mofile

    compiled = BytesIO()
    mofile.write_mo(compiled, _catalog(code))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def _words_under(code: str, folder: str) -> Mapping[str, str]:
    if code == CODE:
        return {}
    return {
        str(message.id): str(message.string)
        for message in _catalog(code)
        if any(path.startswith(folder) for path, _ in message.locations)
    }


@cache
def _catalog(code: str) -> Catalog:
    from babel.messages import pofile  # only where somebody reads another language

    with (LOCALE / f"{code}.po").open("rb") as file:
        return pofile.read_po(file, code)
