"""What a person sees while a plan is applied, and when it is done."""

import io
import re
import threading

from plans import FULL, GONE, GROWN, NEW, RULES
from rich.console import Console

from provisioner.errors import StepFailed
from provisioner.report.progress import Progress, progress, show_result, span

FAILED = StepFailed("the task ended in an error", "look at its log")


def terminal(width=100):
    return Console(file=io.StringIO(), force_terminal=True, width=width, highlight=False, no_color=True)


def plain():
    return Console(file=io.StringIO(), width=80, highlight=False, markup=False)


class Clock:
    """A clock that is wound by hand."""

    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


def test_without_a_terminal_every_beginning_and_end_is_a_line():
    console, clock = plain(), Clock()
    shown = Progress(FULL, console, clock=clock)
    shown.started(NEW)
    shown.doing(NEW, "POST /nodes/n1/qemu")
    clock.seconds += 75
    shown.finished(NEW, warnings=("no ISO image",))
    shown.started(GROWN)
    shown.failed(GROWN, FAILED)
    shown.skipped(RULES)
    shown.note("interrupted")
    assert console.file.getvalue().splitlines() == [
        "begins    carpentras: create vm/110 dpi-db",
        "done      carpentras: create vm/110 dpi-db (1:15)",
        "warning   carpentras: create vm/110 dpi-db: no ISO image",
        "begins    carpentras: update vm/111 dpi-app",
        "failed    carpentras: update vm/111 dpi-app (0 s): the task ended in an error",
        "not begun cavaillon: update security_group web",
        "interrupted",
    ]


def test_on_a_terminal_each_site_has_a_row_and_each_step_under_way_a_line():
    console, clock = terminal(), Clock()
    shown = Progress(FULL, console, clock=clock)
    for step in (NEW, GROWN, RULES):
        shown.started(step)
    clock.seconds += 5
    shown.doing(RULES, "PUT /cluster/firewall/groups/web/0")
    shown.finished(NEW)
    shown.failed(GROWN, FAILED)
    console.file.seek(0)
    console.file.truncate()
    console.print(shown)
    told = console.file.getvalue()
    assert "carpentras" in told
    assert "2/2" in told
    assert "1 failed" in told
    assert "0/2" in told
    assert "security_group web  5 s  PUT /cluster/firewall/groups/web/0" in told
    assert "vm/110" not in told


def test_a_step_under_way_keeps_to_its_line():
    console = terminal(width=50)
    shown = Progress(FULL, console)
    shown.started(NEW)
    shown.doing(NEW, "POST /nodes/n1/" + "x" * 100)
    console.print(shown)
    told = re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())
    assert max(map(len, told.splitlines())) <= 50


def test_on_a_terminal_success_leaves_no_line_and_failure_does():
    console = terminal()
    with progress(FULL, console) as shown:
        shown.started(NEW)
        shown.finished(NEW)
        shown.started(GONE)
        shown.failed(GONE, FAILED)
    assert "failed    cavaillon: delete vm/190 old-db" in console.file.getvalue()
    assert "done" not in console.file.getvalue()


def test_many_threads_may_tell_at_once():
    console = plain()
    shown = Progress(FULL, console)

    def run(step):
        shown.started(step)
        shown.doing(step, "GET /version")
        shown.finished(step)

    threads = [threading.Thread(target=run, args=(step,)) for step in FULL.steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = console.file.getvalue().splitlines()
    assert sorted(line.split()[0] for line in lines) == ["begins"] * 4 + ["done"] * 4


def test_the_result_counts_by_site_and_says_what_to_look_at():
    console = plain()
    show_result([NEW], [(GROWN, FAILED)], [RULES, GONE], [(NEW, "no ISO image")], console=console)
    told = console.file.getvalue()
    rows = [line.split() for line in told.splitlines()]
    assert ["carpentras", "1", "1", "0"] in rows
    assert ["cavaillon", "0", "0", "2"] in rows
    assert "Warning carpentras/vm/110 dpi-db: no ISO image" in told
    assert "Failed carpentras/vm/111 dpi-app: the task ended in an error\n  look at its log" in told


def test_spans_of_time_are_short():
    assert [span(seconds) for seconds in (0.4, 59, 60, 3599, 3723)] == [
        "0 s",
        "59 s",
        "1:00",
        "59:59",
        "1:02:03",
    ]
