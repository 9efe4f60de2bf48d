"""The report as a PDF, drawn by WeasyPrint."""

import contextlib
import re
import sys
import warnings
import zlib

import pytest
from audits import audit, catalogue, previous

from provisioner.errors import BastideError
from provisioner.report.audit_html import paper
from provisioner.report.audit_pdf import NoPdf, pdf


def draw(page, target):
    pytest.importorskip("weasyprint", reason="the extra `pdf` is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # a colour profile that WeasyPrint leaves open
        pdf(page, target)
    return target.read_bytes()


def inflated(content):
    """The file with its compressed parts beside it, to be searched."""
    parts = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        with contextlib.suppress(zlib.error):
            parts.append(zlib.decompress(stream))
    return b"\n".join(parts)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    target = tmp_path_factory.mktemp("pdf") / "audit.pdf"
    draw(paper(audit(), catalogue(), previous=previous(), language="fr"), target)
    return target


def test_it_says_that_it_is_pdf_a_3u_and_has_tags_and_a_language(drawn):
    content = inflated(drawn.read_bytes())
    for mark in (
        b'pdfaid:part="3"',
        b'pdfaid:conformance="U"',
        b"/StructTreeRoot",
        b"/Lang",
        b"/OutputIntents",
    ):
        assert mark in content
    assert "Rapport d’audit – Synergia".encode() in content


def test_nothing_is_left_beside_it(drawn):
    assert [one.name for one in drawn.parent.iterdir()] == ["audit.pdf"]


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path):
    with pytest.raises(BastideError) as failed:
        draw("<p>x", tmp_path / "nowhere" / "audit.pdf")
    assert "could not be written" in failed.value.told
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_would_load_something_gets_nothing(tmp_path):
    style = tmp_path / "style.css"
    style.write_text("p { font-size: 40pt; break-after: page }")
    alone = draw("<html lang=fr><p>x<p>y", tmp_path / "alone.pdf")
    loading = draw(
        f"<html lang=fr><link rel=stylesheet href='{style.as_uri()}'><p>x<p>y", tmp_path / "loading.pdf"
    )
    assert (alone.count(b"/Type /Page"), len(alone)) == (loading.count(b"/Type /Page"), len(loading))


def test_without_weasyprint_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(NoPdf) as missing:
        pdf("<p>x", tmp_path / "audit.pdf")
    assert "bastide[pdf]" in missing.value.told
