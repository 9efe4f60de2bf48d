"""What a person reads of a plan."""

import io
import re
from dataclasses import replace

import pytest
from plans import FULL, GONE, GROWN, NEW, RULES, plan, step, vm
from rich.console import Console

from provisioner.model.base import GIB, MIB
from provisioner.model.plan import Action, Blocker
from provisioner.report.plan import closing, print_plan, show_plan
from provisioner.report.values import printable, shown


def text(shown_plan, *, width=80, verbose=False, colour=False):
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False, force_terminal=colour)
    print_plan(console, shown_plan, verbose=verbose)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_a_plan_is_told_site_by_site_and_object_by_object():
    assert (
        text(FULL)
        == """\
carpentras
  + vm/110 dpi-db  memory 8G, cores 4, scsi0.size 40G
  ~ vm/111 dpi-app  [medium risk]
      memory  4G → 8G
      tags    +tier0 -old
      (takes effect at the guest's next restart)

cavaillon
  ~ security_group web  [medium risk]
      rules
        - in ACCEPT -p tcp -dport 80
        + in ACCEPT -p tcp -dport 443
          in DROP
  - vm/190 old-db  [high risk]
      (what it holds is destroyed)

Waits for a restart of the guest
  carpentras/vm/113 (lab): memory 4G → 8G

Broken rules
  carpentras/ha_rule/apart: a and b run on the same node n1

Not observed, and so not planned
  carpentras: all of kind storage: Datastore.Audit on /storage is missing

In conflict
  VMID 120 on carpentras is 'foo'. To do: choose another VMID

Plan: 1 to create, 2 to change, 1 to remove on 2 sites; 2 wait for a restart.
Digest 3fa9c04e5d1b"""
    )


def test_every_attribute_of_a_new_object_is_told_to_those_who_ask():
    told = text(plan(NEW), verbose=True)
    assert "[low risk]" in told
    assert re.search(r"^      net0.firewall  yes$", told, re.MULTILINE)
    assert re.search(r"^      vga            serial0$", told, re.MULTILINE)


def test_no_change_is_one_line():
    assert text(plan()) == "No changes: every site is as the estate says."


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("unknown", "No changes where it could be looked; the rest is unknown."),
        ("violations", "No setting differs, but rules are broken."),
        ("blockers", "No changes are possible until the conflicts are resolved."),
        ("waiting", "No changes: every site is as the estate says; 1 waits for a restart."),
    ],
)
def test_a_plan_without_steps_never_says_more_than_is_known(part, sentence):
    assert closing(plan(**{part: getattr(FULL, part)})) == sentence


def test_a_guest_that_waits_and_changes_is_counted_once():
    both = plan(GROWN, waiting=(replace(FULL.waiting[0], ref=GROWN.ref),))
    assert "1 waits for a restart" in closing(both)


def test_what_is_left_for_the_next_plan_is_no_conflict():
    later = Blocker("carpentras/vnet/old goes later", "plan again", kind="later")
    told = text(plan(NEW, blockers=(later,)))
    assert "Left for the next plan\n  carpentras/vnet/old goes later: plan again" in told
    assert "conflict" not in told


def test_no_line_is_longer_than_the_terminal():
    long = step(vm(110), Action.UPDATE, ("description", "old " * 40, "new " * 40), label="a-guest" * 8)
    assert max(map(len, text(plan(long, GONE, RULES)).splitlines())) <= 80


def test_colours_are_for_terminals_that_want_them(monkeypatch):
    assert "\x1b[" in text(plan(NEW), colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in text(plan(NEW), colour=True)


def test_a_name_from_the_cluster_cannot_steer_the_terminal():
    foul = step(vm(110), Action.UPDATE, ("description", "a", "\x1b[2Jb\n"), label="\x1b]0;x\x07[bold]y")
    told = text(plan(foul))
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "[bold]y" in told


def test_a_plan_goes_to_stdout_and_before_an_apply_to_stderr(capsys):
    show_plan(plan())
    assert capsys.readouterr() == ("No changes: every site is as the estate says.\n", "")
    show_plan(plan(), to_stderr=True)
    assert capsys.readouterr() == ("", "No changes: every site is as the estate says.\n")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("memory", 8 * GIB, "8G"),
        ("scsi0.size", 1536 * MIB, "1.5G"),
        ("rootfs.size", 512, "512"),
        ("cores", 4, "4"),
        ("onboot", True, "yes"),
        ("onboot", False, "no"),
        ("pool", None, "unset"),
        ("description", "", '""'),
        ("tags", (), "none"),
        ("tags", ("a", "b"), "a, b"),
        ("rules", (("in", "ACCEPT", None, "22"),), "in ACCEPT 22"),
        ("description", "x" * 99, "x" * 59 + "…"),
    ],
)
def test_a_value_is_shown_as_people_write_it(name, value, expected):
    assert shown(name, value) == expected


def test_a_new_line_is_shown_as_a_sign():
    assert printable("a\nb\x00") == "a⏎b·"


def test_a_list_whose_order_alone_changes_says_so():
    told = text(plan(step(vm(110), Action.UPDATE, ("boot", ("scsi0", "net0"), ("net0", "scsi0")))))
    assert "now in the order net0, scsi0" in told
