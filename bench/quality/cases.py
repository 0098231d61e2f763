"""All made cases. To add one: yield a ``Case`` in a module below, or name another module here."""

from __future__ import annotations

from bench.quality import mail_cases, office_cases, pdf_cases, plain_cases, scan_cases
from bench.quality.case import Case

MODULES = (plain_cases, mail_cases, office_cases, pdf_cases, scan_cases)


def made_cases() -> list[Case]:
    """In the order of the report."""
    return [case for module in MODULES for case in module.cases()]
