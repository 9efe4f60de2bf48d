"""Every kind of fault, planted one at a time in a sound estate."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from provisioner.errors import EstateInvalid, Exit
from provisioner.estate.load import load

HERE = Path(__file__).parent
CASES = yaml.safe_load((HERE / "faults.yaml").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def problems_of(folder: Path):
    with pytest.raises(EstateInvalid) as caught:
        load(folder, now=NOW)
    return caught.value.problems


def planted(case: dict) -> str:
    text = (HERE / "sound" / "estate.yml").read_text(encoding="utf-8")
    for old, new in (("replace", "by"), ("replace_also", "by_also")):
        if old in case:
            assert text.count(case[old]) == 1, f"{case[old]!r} must stand once in the sound estate"
            text = text.replace(case[old], case[new])
    return text


def expected_line(text: str, case: dict) -> int:
    if case.get("marks") == "LAST":
        return len(text.splitlines()) + 1
    return text[: text.index(case.get("marks", "# HERE"))].count("\n") + 1


def test_the_sound_estate_is_sound():
    assert load(HERE / "sound", now=NOW).estate.estate == "sound"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].replace(" ", "-"))
def test_a_planted_fault_is_the_only_problem_and_is_named_with_its_line(case, tmp_path):
    text = planted(case)
    (tmp_path / "estate.yml").write_text(text, encoding="utf-8")
    problems = problems_of(tmp_path)
    assert [str(problem) for problem in problems if case["says"] not in problem.message] == []
    assert [problem.line for problem in problems] == [expected_line(text, case)]
    assert case.get("hint", "") in problems[0].hint
    assert problems[0].file == str(tmp_path / "estate.yml")


def marked_faults() -> dict[tuple[str, int], str]:
    """The lines of twenty_faults that carry `# fault: words of the message`."""
    found = {}
    for file in sorted((HERE / "twenty_faults").rglob("*.yml")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if "# fault: " in line:
                found[(str(file), number)] = line.partition("# fault: ")[2]
    return found


def test_twenty_planted_faults_are_named_in_one_run_with_their_lines():
    expected = marked_faults()
    assert len(expected) == 20
    problems = problems_of(HERE / "twenty_faults")
    assert {(problem.file, problem.line) for problem in problems} == set(expected)
    assert len(problems) == 20
    for problem in problems:
        assert expected[problem.file, problem.line] in problem.message


def test_an_invalid_estate_ends_with_exit_code_three():
    with pytest.raises(EstateInvalid) as caught:
        load(HERE / "twenty_faults", now=NOW)
    assert caught.value.exit_code == Exit.INVALID
    assert caught.value.what == "the estate has 20 problems"


def test_no_message_speaks_the_language_of_pydantic():
    noise = ("Input should", "function-", "valid_", "pydantic", "union_tag", "literal_error", "[key]")
    for problem in problems_of(HERE / "twenty_faults"):
        assert not [word for word in noise if word in str(problem)]


def test_two_hundred_faults_are_all_named(tmp_path):
    text = (HERE / "sound" / "estate.yml").read_text(encoding="utf-8")
    broken = "".join(
        f"  g{number}: {{ vmid: {300 + number}, memroy: 1G, cores: x }}\n" for number in range(100)
    )
    (tmp_path / "estate.yml").write_text(text.replace("guests:\n", f"guests:\n{broken}", 1), encoding="utf-8")
    problems = problems_of(tmp_path)
    first = (tmp_path / "estate.yml").read_text(encoding="utf-8").split("  g0:")[0].count("\n") + 1
    for number in range(100):
        said = [problem.message for problem in problems if problem.line == first + number]
        assert "unknown key `memroy`" in said
        assert "`cores` must be a whole number, and is `x`" in said
