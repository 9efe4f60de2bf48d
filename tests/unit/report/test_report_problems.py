"""What a person reads when something is wrong."""

from provisioner.errors import BastideError, EstateInvalid, Problem
from provisioner.report.errors import show_error
from provisioner.report.problems import show_problems

PROBLEMS = (
    Problem("guests/dpi.yml", 12, 5, "unknown key `memroy`", "did you mean `memory`?"),
    Problem("estate.yml", 3, 1, "duplicate VMID 110"),
    Problem("guests/dpi.yml", 2, 3, "a name of " + 40 * "great length "),
)


def test_problems_stand_in_order_of_their_places_and_are_counted(capsys):
    show_problems(PROBLEMS)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "estate.yml:3:1  duplicate VMID 110"
    assert lines[1].startswith("guests/dpi.yml:2:3  a name of great length")
    assert lines[2:] == [
        "guests/dpi.yml:12:5  unknown key `memroy`",
        "    did you mean `memory`?",
        "3 problems in 2 files",
    ]


def test_one_problem_is_one(capsys):
    show_problems(PROBLEMS[:1])
    assert capsys.readouterr().err.endswith("1 problem in 1 file\n")


def test_an_error_is_a_sentence_and_what_to_do(capsys):
    show_error(BastideError("carpentras: no endpoint answered", "check the network"))
    assert capsys.readouterr() == ("", "Error: carpentras: no endpoint answered\ncheck the network\n")


def test_an_error_without_a_hint_is_a_sentence(capsys):
    show_error(BastideError("[red]it[/red] failed"))
    assert capsys.readouterr().err == "Error: [red]it[/red] failed\n"


def test_an_invalid_estate_says_how_many_problems_it_has(capsys):
    show_error(EstateInvalid(PROBLEMS))
    assert "Error: the estate has 3 problems" in capsys.readouterr().err
