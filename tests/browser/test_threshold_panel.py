"""The threshold panel in a real browser: right numbers, live under the hand, silent until release."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from tests.browser.conftest import NewPage
from tests.browser.panel_hand import Panel
from tests.browser.serving import ROOT, serve
from tests.browser.waiting import drawn, wait_until
from tests.phantoms.threshold_panel import sets

LINE = "Threshold on the score"
ROC = "Operating point on the ROC curve, by sensitivity"
PR = "Operating point on the Precision-recall curve, by sensitivity"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(ROOT / "tests" / "phantoms" / "threshold_panel.py") as address:
        yield address


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page(reduced_motion="reduce")


@pytest.fixture
def panel(page: Page, url: str) -> Iterator[Panel]:
    opened = Panel(page, url)
    yield opened
    assert not opened.failures


def thresholds() -> list[float]:
    """Twenty, seven of them on tied scores, two outside all scores."""
    untied = np.random.default_rng(5).uniform(0.02, 0.98, 11).round(4)
    return [-0.5, *np.arange(0.2, 0.85, 0.1).round(1).tolist(), *untied.tolist(), 1.5]


def test_the_numbers_are_those_of_scikit_learn_at_twenty_thresholds(panel: Panel):
    assert len(thresholds()) == 20
    tied = sets("small")["test"][1]
    assert min(np.sum(tied == at) for at in thresholds()[1:8]) > 1
    for at in thresholds():
        panel.go(at)
        for name, (labels, scores) in sets("small").items():
            called = (scores >= at).astype(int)
            tn, fp, fn, tp = confusion_matrix(labels, called).ravel().tolist()
            ill, well = recall_score(labels, called), recall_score(labels, called, pos_label=0)
            expected = {
                "sensitivity": ill,
                "specificity": well,
                "ppv": precision_score(labels, called) if tp + fp else None,
                "npv": precision_score(labels, called, pos_label=0) if tn + fn else None,
                "accuracy": accuracy_score(labels, called),
                "f1": f1_score(labels, called),
                "lr_positive": ill / (1 - well) if fp else np.inf if tp else None,
                "lr_negative": (1 - ill) / well if tn else np.inf if fn else None,
            }
            for key, value in expected.items():
                shown = panel.figure(key, name)
                assert shown == (None if value is None else pytest.approx(value, rel=1e-9)), (at, name, key)
        assert [panel.count(kind) for kind in ("tn", "fp", "fn", "tp")] == [tn, fp, fn, tp]


def test_the_areas_under_the_curves_are_those_of_scikit_learn(panel: Panel):
    text = panel.page.locator(".curves").inner_text()
    for labels, scores in sets("small").values():
        assert f"AUC {roc_auc_score(labels, scores):.3f}" in text
        assert f"AP {average_precision_score(labels, scores):.3f}" in text


def test_a_drag_over_10_000_scores_moves_the_line_and_the_server_hears_one_word(page: Page, url: str):
    panel = Panel(page, url, size="large")
    assert sum(len(labels) for labels, _ in sets("large").values()) == 10_000
    for label in (LINE, ROC, PR):
        box = panel.handle(label).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        panel.sent.clear()
        page.mouse.move(x, y)
        page.mouse.down()
        on_the_way = set()
        for there in (*range(0, 60, 5), *range(60, -60, -5)):
            page.mouse.move(x + there, y + there / 2)
            on_the_way.add(panel.threshold)
        drawn(page)
        assert len(on_the_way) > 1
        assert panel.sent == []
        page.mouse.up()
        panel.settle()
        assert len(panel.sent) == 1
        assert panel.server().startswith(f"Server: {panel.threshold!r} by manual")
    assert not panel.failures


def seen(panel: Panel) -> tuple[float, float | None, float]:
    place = panel.handle(LINE).bounding_box()["x"]
    return panel.threshold, panel.figure("sensitivity", "test"), place


def test_all_views_follow_whichever_is_dragged(panel: Panel):
    for label in (LINE, ROC, PR):
        before = (
            panel.threshold,
            panel.figure("sensitivity", "test"),
            panel.handle(LINE).bounding_box()["x"],
        )
        box = panel.handle(label).bounding_box()
        panel.page.mouse.move(box["x"] + 22, box["y"] + 22)
        panel.page.mouse.down()
        panel.page.mouse.move(box["x"] + 22 + (150 if label == LINE else -60), box["y"] + 40, steps=4)
        panel.page.mouse.up()
        panel.settle()
        assert all(a != b for a, b in zip(before, seen(panel), strict=True))
        labels, scores = sets("small")["test"]
        called = scores >= panel.threshold
        assert panel.count("tp") == np.sum(called & (labels == 1))
        assert panel.count("fp") == np.sum(called & (labels == 0))


def test_keys_go_from_one_change_to_the_next_and_report_when_released(panel: Panel):
    everything = np.unique(np.concatenate([scores for _, scores in sets("small").values()]))
    line = panel.handle(LINE)
    line.focus()
    panel.sent.clear()
    for key, passed in (("ArrowRight", 1), ("ArrowLeft", -1), ("ArrowLeft", -1)):
        before = panel.threshold
        panel.page.keyboard.down(key)
        drawn(panel.page)
        assert np.sum(everything < panel.threshold) - np.sum(everything < before) == passed
        assert panel.sent == []
        panel.page.keyboard.up(key)
        panel.settle()
        assert len(panel.sent) == 1
        panel.sent.clear()
    before = panel.threshold
    line.press("Shift+ArrowRight")
    drawn(panel.page)
    assert np.sum(everything < panel.threshold) - np.sum(everything < before) > 20
    line.press("Home")
    drawn(panel.page)
    assert panel.threshold <= everything[0]
    line.press("End")
    panel.settle()
    assert panel.threshold > everything[-1]
    assert panel.count("tp") == panel.count("fp") == 0
    assert re.match(r"1\.\d+: Test: misses 390 of 390", line.get_attribute("aria-valuetext"), re.IGNORECASE)
    said = panel.page.locator("[aria-live=polite].unseen").inner_text()
    assert "misses 390 of 390" in said
    assert "sensitivity 0.00" in said


def test_on_the_roc_the_right_key_raises_sensitivity(panel: Panel):
    before = panel.figure("sensitivity", "validation")
    for _ in range(12):
        panel.handle(ROC).press("ArrowRight")
    panel.settle()
    assert panel.figure("sensitivity", "validation") > before
    assert "sensitivity" in panel.handle(ROC).get_attribute("aria-valuetext")


def test_a_policy_glides_the_line_and_reports_once_where_it_came_to_rest(panel: Panel):
    panel.page.emulate_media(reduced_motion="no-preference")
    panel.sent.clear()
    button = panel.page.get_by_role("button", name=re.compile("^Sensitivity 95"))
    expect(button).to_contain_text(re.compile(r"misses \d+ of 390, \d+ false alarms in 234"))
    start = panel.threshold
    button.click()
    wait_until(panel.page, lambda: "by Sensitivity 95 %" in panel.server())
    panel.settle()
    assert len(panel.sent) == 1
    assert panel.threshold != start
    assert panel.figure("sensitivity", "validation") >= 0.95
    expect(button).to_have_attribute("aria-pressed", "true")


def test_the_shown_decimals_call_the_same_films_as_the_exact_threshold(panel: Panel):
    # a conformal threshold is the next float above a score: rounding it down would call that film
    panel.page.get_by_role("button", name=re.compile("^Conformal 5")).click()
    panel.settle()
    shown = panel.page.locator(".big data").inner_text()
    assert len(shown) < 10
    assert np.nextafter(panel.threshold, -np.inf) in sets("small")["validation"][1]
    for _, scores in sets("small").values():
        assert np.sum(scores >= float(shown)) == np.sum(scores >= panel.threshold)


def test_a_policy_without_a_threshold_says_why(panel: Panel):
    button = panel.page.get_by_role("button", name=re.compile("^Conformal 0.1"))
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(panel.page.locator("#reasons")).to_contain_text("needs at least 999 normal cases")
    before = panel.threshold
    button.click(force=True)
    panel.settle()
    assert panel.threshold == before


def test_a_policy_that_broke_its_promise_says_so_on_its_button(panel: Panel):
    broken = panel.page.get_by_role("button", name=re.compile("^Youden")).locator(".broken")
    expect(broken).to_have_text("broke its promise: specificity 0.90, on test 0.78")
    expect(panel.page.get_by_role("button", name=re.compile("^F1")).locator(".broken")).to_be_hidden()


def test_prevalence_moves_the_predictive_values_and_nothing_else(panel: Panel):
    field = panel.page.get_by_label("Prevalence where it will be used").nth(1)
    before = panel.figure("ppv", "test")
    field.fill("2")
    drawn(panel.page)
    sensitivity, specificity = panel.figure("sensitivity", "test"), panel.figure("specificity", "test")
    ill, well = 0.02, 0.98
    assert panel.figure("clinic-ppv", "test") == pytest.approx(
        sensitivity * ill / (sensitivity * ill + (1 - specificity) * well)
    )
    assert panel.figure("ppv", "test") == before


def test_the_cheapest_threshold_is_the_one_that_the_cost_policy_finds(panel: Panel):
    panel.page.get_by_role("button", name="Move to the minimum").click()
    panel.settle()
    found = panel.threshold
    panel.page.get_by_role("button", name=re.compile("^Cost 5")).click()
    panel.settle()
    assert panel.threshold == pytest.approx(found, rel=1e-12)


def test_between_two_thresholds_films_are_referred(panel: Panel):
    panel.page.get_by_role("checkbox", name="Refer when too close to call").check()
    wait_until(panel.page, lambda: not panel.server().endswith("None"))
    panel.settle()
    lower = panel.threshold
    upper = float(panel.server().rsplit("upper ", 1)[1])
    assert upper > lower
    labels, scores = sets("small")["test"]
    decided = (scores < lower) | (scores >= upper)
    wrong = np.where(scores >= upper, labels == 0, labels == 1) & decided
    said = panel.page.locator("[data-referral=test]").inner_text()
    assert said.startswith(f"decides {decided.sum()} of 624")
    assert f"wrong in {wrong.sum()} of them" in said
    panel.handle("Upper threshold: films between the two are referred").press("End")
    panel.settle()
    expect(panel.page.locator(".verdict strong")).to_have_text("Refer: too close to call")


def test_the_current_scan_is_judged_where_the_line_stands(panel: Panel):
    verdict = panel.page.locator(".verdict strong")
    expect(verdict).to_have_text("Suspicious for pneumonia")
    panel.go(0.95)
    expect(verdict).to_have_text("Below threshold for pneumonia")


def test_the_page_can_move_the_line_and_an_echo_does_not(panel: Panel):
    panel.go(0.25)
    panel.handle(LINE).press("PageUp")
    panel.handle(LINE).press("PageUp")
    drawn(panel.page)
    moved = panel.threshold
    assert moved > 0.25
    panel.settle()
    assert panel.threshold == moved
    assert panel.server().startswith(f"Server: {moved!r}")
    panel.go(0.33)
    panel.settle()
    assert panel.server().startswith("Server: 0.33")


def test_hover_on_a_curve_tells_the_threshold_there(panel: Panel):
    plot = panel.page.locator(".curves .plot").first
    box = plot.bounding_box()
    panel.page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 26)
    tip = plot.locator(".tip")
    expect(tip).to_be_visible()
    assert re.fullmatch(r"(validation|test) at 0\.\d+: sensitivity [\d.>]+", tip.inner_text())


def test_markup_in_names_stays_text(page: Page, url: str):
    markup = "<img src=x onerror=window.owned=1>"
    panel = Panel(page, url, scan=markup, finding=markup)
    assert page.locator(".scan-name").inner_text() == markup
    assert markup in page.locator(".scan-label").inner_text()
    expect(page.locator(".verdict strong")).to_have_text(f"Suspicious for {markup}")
    assert page.locator(".threshold-panel img").count() == 0
    assert page.evaluate("window.owned") is None
    assert not panel.failures


def test_every_chart_has_a_text_alternative_and_every_control_a_name(panel: Panel):
    charts = panel.page.locator(".threshold-panel svg[role=img]:visible")
    assert charts.count() == 4
    assert all(len(chart.get_attribute("aria-label")) > 40 for chart in charts.all())
    for control in panel.page.locator(".threshold-panel [role=slider]:visible").all():
        assert control.get_attribute("aria-label")
        low, now, high = (float(control.get_attribute(f"aria-value{end}")) for end in ("min", "now", "max"))
        assert low <= now <= high


def test_on_a_phone_nothing_overflows_and_a_finger_drags(new_page: NewPage, url: str):
    page = new_page(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    panel = Panel(page, url)
    wide = "() => { const main = document.querySelector('[data-testid=stMain]'); return main.scrollWidth; }"
    assert page.evaluate(wide) <= 390
    line = panel.handle(LINE)
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    assert box["width"] >= 44
    x, y = box["x"] + 22, box["y"] + 120
    touch = page.context.new_cdp_session(page)
    panel.sent.clear()
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        point = [{"x": x + 10 * step, "y": y + 5 * step}]
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": point})
    wait_until(page, lambda: panel.threshold > 0.5)
    assert panel.sent == []
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    panel.settle()
    assert len(panel.sent) == 1
    assert not panel.failures
