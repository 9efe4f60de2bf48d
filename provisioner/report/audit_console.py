"""An audit on a terminal: how each host stands, and what to mend first."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from provisioner.model.catalogue import Catalogue
from provisioner.model.finding import Audit, Verdict
from provisioner.report.audit_actions import actions
from provisioner.report.audit_conclusion import conclusion
from provisioner.report.audit_tally import Tally, narrowed
from provisioner.report.console import prose
from provisioner.report.values import printable

FIRST = 10
"""As many actions as one reads; the reports have all."""
STYLES = {Verdict.FAIL: "bold red", Verdict.UNKNOWN: "yellow", Verdict.WAIVED: "cyan", Verdict.PASS: "green"}
COLUMNS = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WAIVED, Verdict.PASS, Verdict.NOT_APPLICABLE)


def show_audit(audit: Audit, catalogue: Catalogue, console: Console | None = None) -> None:
    """The conclusion, a row for each subject, and the most urgent actions."""
    out, tally = console or prose(), narrowed(audit, catalogue, None)
    said = conclusion(tally, "en")
    out.print(_subjects(tally))
    for number, action in enumerate(actions(tally)):
        if number == FIRST:
            out.print(Text("…", style="dim"))
            break
        line = f"{action.check.severity:<9} {action.check.title.en} ({action.check.id})"
        out.print(Text(printable(line)), soft_wrap=True)
    out.print(Text(said.headline, style=STYLES.get(said.verdict, "")), soft_wrap=True)


def _subjects(tally: Tally) -> Table:
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    table.add_column("Subject")
    for verdict in COLUMNS:
        table.add_column(verdict.value.replace("_", " "), justify="right", style=STYLES.get(verdict, "dim"))
    for state in tally.subjects:
        table.add_row(state.subject.name, *(str(state.counts[verdict]) for verdict in COLUMNS))
    return table
