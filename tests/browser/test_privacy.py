"""Nothing of an upload is left: not in the log, not on disk, not in the page once it is forgotten."""

import json
import re
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from core import samples
from tests.browser.conftest import NewPage
from tests.browser.serving import ROOT, serve
from tests.browser.waiting import idle, wait_until
from tests.phantoms.chest import chest, png
from tests.phantoms.files import chest_film

PLANTED = {
    "PatientName": "PLANTEDSURNAME^JANE",
    "PatientID": "PLANTED-4711",
    "PatientBirthDate": "19530701",
    "InstitutionName": "PLANTED HOSPITAL",
    "StudyDescription": "PLANTED STUDY",
}
OWN_WORDS = {
    "Thresholds": "Calibrate to your place",
    "Models": "Use and limits",
    "Diagnose": "normal test films",
}


def film() -> tuple[bytes, bytes]:
    """A film with planted names, and 64 bytes of its pixels by which a copy would be known."""
    pixels = (chest(seed=3) * 255).round().astype(np.uint8)
    mark = np.random.default_rng(7).integers(120, 160, 64, dtype=np.uint8)
    pixels[-1, :64] = mark
    return chest_film(pixels, **PLANTED), mark.tobytes()


def upload(page: Page, name: str, content: bytes) -> None:
    idle(page)  # Streamlit 1.67 can lose a file that meets a run of the page
    page.locator("input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content}]
    )


def shown(page: Page) -> list[str]:
    """The chosen scan; for a moment two, while one run of the page takes the place of another."""
    return page.get_by_label("Shown").evaluate_all("all => all.map(input => input.value)")


def visit(page: Page, address: str, content: bytes) -> None:
    """Upload, read on every page, spoil another file, forget."""
    page.goto(address)
    upload(page, "PLANTED-file.dcm", content)
    wait_until(page, lambda: shown(page) == ["PLANTED-file.dcm"])  # not the sample that the app opens with
    idle(page)
    expect(page.locator(".opacity-verdict")).to_be_visible()
    upload(page, "PLANTED-broken.dcm", content[: len(content) // 3])
    expect(page.get_by_role("alert")).to_contain_text("PLANTED-broken.dcm")
    upload(page, "PLANTED-noise.png", png(np.random.default_rng(0).random((99, 99), dtype=np.float32)))
    expect(page.get_by_role("button", name="Analyse anyway (result unreliable)")).to_be_visible()
    page.get_by_role("button", name="Analyse anyway (result unreliable)").click()
    expect(page.get_by_text("at your request")).to_be_visible()
    for name in OWN_WORDS:
        page.get_by_role("link", name=name).click()
        expect(page.get_by_text(OWN_WORDS[name]).first).to_be_visible()
        idle(page)
    before = shown(page)
    page.get_by_role("button", name="Forget this scan").click()
    wait_until(page, lambda: len(shown(page)) == 1 and shown(page) != before)
    page.get_by_role("button", name="Forget this scan").click()
    expect(page.get_by_text(re.compile("Upload a frontal chest film"))).to_be_visible()
    wait_until(page, lambda: "PLANTED" not in page.inner_text("body"))  # once the run of the page has ended
    assert "PLANTED" not in page.url


def test_nothing_of_an_upload_reaches_log_disk_or_audit(new_page: NewPage, tmp_path: Path):
    content, mark = film()
    home, temporary, log, audit = (tmp_path / name for name in ("home", "tmp", "server.log", "audit.jsonl"))
    home.mkdir(), temporary.mkdir()
    env = {"HOME": str(home), "TMPDIR": str(temporary), "OPACITY_AUDIT": str(audit)}
    with serve(ROOT / "app.py", env, ("--logger.level", "debug"), log_file=log) as address:
        page = new_page()
        visit(page, address, content)
        found = leaks([home, temporary, log, audit], mark)
        page.context.close()
    assert not found
    assert not leaks([home, temporary, log, audit], mark)
    assert "Traceback" not in log.read_text()
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    known = {sample.sha256 for sample in samples.every()}  # the app opens with one of these
    assert [line["overridden"] for line in lines if line["input"] not in known][:2] == [False, True]


def leaks(places: list[Path], mark: bytes) -> list[str]:
    """Files below the places that hold a planted name or the pixels."""
    signs = [b"PLANTED", b"19530701", mark]
    files = [file for place in places for file in ([place] if place.is_file() else place.rglob("*"))]
    return [
        str(file) for file in files if file.is_file() and any(sign in file.read_bytes() for sign in signs)
    ]
