"""Compiled templates are kept, and neither a damaged nor a missing file of them changes a page."""

from __future__ import annotations

import sys

import jinja2
import pytest

from liqcli.report.template_cache import TemplateCache


@pytest.fixture
def compiled(monkeypatch):
    """The names of the templates that were compiled."""
    names = []
    compile_template = jinja2.Environment.compile

    def note(environment, source, name=None, *rest):
        names.append(name)
        return compile_template(environment, source, name, *rest)

    monkeypatch.setattr(jinja2.Environment, "compile", note)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return names


def render(folder, text="{{ 6 * 7 }} USD"):
    """Render with a new environment, as the next process does."""
    loader = jinja2.DictLoader({"page.html": text})
    cache = TemplateCache(folder / "templates")
    return jinja2.Environment(loader=loader, bytecode_cache=cache, autoescape=True).get_template("page.html").render()


def test_a_template_is_compiled_once_and_again_when_its_text_changes(tmp_path, compiled):
    assert [render(tmp_path), render(tmp_path)] == ["42 USD", "42 USD"]
    assert compiled == ["page.html"]
    assert render(tmp_path, "{{ 6 * 7 }} EUR") == "42 EUR"
    assert compiled == ["page.html"] * 2


@pytest.mark.parametrize("keep", [0, 10, 40, -5])
def test_a_cut_file_is_compiled_anew(tmp_path, compiled, keep):
    render(tmp_path)
    (file,) = (tmp_path / "templates").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:keep])
    assert render(tmp_path) == "42 USD"
    assert compiled == ["page.html"] * 2
    assert file.read_bytes() == whole


def test_nothing_is_written_where_nothing_can_be_or_is_to_be(tmp_path, compiled, monkeypatch):
    (tmp_path / "templates").write_text("a file in place of the folder", encoding="utf-8")
    assert render(tmp_path) == "42 USD"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert render(tmp_path / "elsewhere") == "42 USD"
    assert not (tmp_path / "elsewhere").exists()
