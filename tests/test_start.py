"""What a start loads: a page shows its frame, and a verdict comes, before what neither needs is imported."""

import subprocess
import sys

SLOW_AND_UNNEEDED = ("torchvision", "sklearn", "scipy.stats", "sympy", "pydicom")


def imported_after(code: str, *also: str) -> set[str]:
    """Which slow modules a new interpreter has loaded once it ran this."""
    watched = SLOW_AND_UNNEEDED + also
    told = f"{code}\nimport sys\nprint(*sorted(set({watched}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_judging_needs_neither_torchvision_nor_scikit_learn():
    assert not imported_after("import core.inference")


def test_the_first_page_is_out_before_any_of_them_loads():
    code = """
from streamlit.testing.v1 import AppTest
from pages.shared.caches import ahead
ahead.prepare = lambda: None
page = AppTest.from_file("app.py", default_timeout=600)
page.session_state["welcomed"] = True  # else a sample is read, below the frame
page.run()
assert not page.exception, page.exception
assert page.caption
"""
    assert not imported_after(code)


def test_the_verdict_of_the_first_screen_is_out_before_torch_loads():
    code = """
import sys
from streamlit.testing.v1 import AppTest
from pages.shared.caches import ahead
from pages.shared.views import charts
ahead.prepare = lambda: None
show_verdict, known = charts.show_verdict, []
def shown(*given, **named):
    show_verdict(*given, **named)
    known.append("torch" in sys.modules or "sklearn" in sys.modules)
charts.show_verdict = shown
page = AppTest.from_file("app.py", default_timeout=600).run()
assert not page.exception, page.exception
assert known == [False], known
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_listing_the_cards_needs_no_torch():
    assert not imported_after("from core.__main__ import main; main(['cards'])", "torch")
