"""A report as PDF/A-3u with tags: fonts inside, text to search and to be read aloud, nothing from outside."""

from __future__ import annotations

from pathlib import Path

from provisioner.errors import BastideError
from provisioner.report.save import save

VARIANT = "pdf/a-3u"
DEBIAN = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"
"""What WeasyPrint draws with. The wheel of WeasyPrint holds none of it."""


class NoPdf(BastideError):
    """This machine cannot write PDF files."""


def pdf(html_text: str, target: Path) -> None:
    """Write a page of `audit_html.paper` as a PDF; `target` is whole or as it was before.

    Raises NoPdf where WeasyPrint or its libraries are missing, BastideError if the file cannot be written.
    """
    try:
        from weasyprint import HTML  # noqa: PLC0415 - an optional extra, and slow to load
        from weasyprint.urls import URLFetcher  # noqa: PLC0415 - as above
    except ImportError as error:
        raise NoPdf(
            "WeasyPrint, which draws PDF files, is not installed", "run `pip install 'bastide[pdf]'`"
        ) from error
    except OSError as error:  # it is there, and a library that it loads is not
        raise NoPdf(f"WeasyPrint lacks a library ({error})", f"run `apt-get install {DEBIAN}`") from error
    nothing_loads = URLFetcher(allowed_protocols=())
    drawn = HTML(string=html_text, url_fetcher=nothing_loads).write_pdf(pdf_variant=VARIANT, pdf_tags=True)
    try:
        save(target, drawn)
    except OSError as error:
        raise BastideError(
            f"{target} could not be written: {error.strerror}", "free some space, or choose another folder"
        ) from error
