"""Benchmarks share one page."""

from pathlib import Path

from benchmarks import sections


def test_a_section_replaces_its_last_version_alone(tmp_path: Path):
    page = tmp_path / "docs" / "benchmarks.md"
    sections.write("First", ["one"], page)
    sections.write("First and more", ["two"], page)
    sections.write("First", ["three", "", "four"], page)
    assert page.read_text() == "# Benchmarks\n\n## First\n\nthree\n\nfour\n\n## First and more\n\ntwo\n"
