"""Estates that are wrong, and commands that are: every problem with its place, and nothing is sent."""

import pytest

from tests.integration.bad_days.scenes import SITE, Scene, told


def test_broken_yaml_is_named_with_its_line_and_ends_with_exit_3(untouched: Scene):
    untouched.bastide.edit("estate.yml", "pools:\n", "pools: [\n")
    ran = untouched.bastide("apply", "--yes")
    told(ran, 3, "the estate has 1 problem", "run `bastide validate` again")
    place, message = next(line for line in ran.err.splitlines() if "estate.yml:" in line).split("  ", 1)
    assert int(place.split(":")[1]) in range(19, 24)
    assert message


def test_wrong_types_are_all_named_with_their_places(untouched: Scene):
    untouched.bastide.edit("estate.yml", "vmid: 110", "vmid: one hundred")
    untouched.bastide.edit("estate.yml", "memory: 4G", "memory: much")
    untouched.bastide.edit("estate.yml", "cores: 2", "cores: [2]")
    untouched.bastide.edit("estate.yml", "onboot: false", "onboot: perhaps")
    ran = untouched.bastide("plan")
    told(ran, 3, "4 problems", "a size is a number with K, M, G or T")
    lines = untouched.bastide.folder.joinpath("estate.yml").read_text().splitlines()
    for wrong in ("vmid: one hundred", "memory: much", "cores: [2]", "onboot: perhaps"):
        (number,) = [number for number, line in enumerate(lines, 1) if wrong in line]
        assert f"estate.yml:{number}:" in ran.err


def test_two_hundred_errors_are_told_in_one_run(untouched: Scene):
    guests = "".join(f"  many-{one}: {{vmid: {one}, site: {SITE}, node: nowhere}}\n" for one in range(200))
    with (untouched.bastide.folder / "estate.yml").open("a") as estate:
        estate.write(guests)
    ran = untouched.bastide("validate", "--json")
    told(ran, 3, "problems")
    last = len((untouched.bastide.folder / "estate.yml").read_text().splitlines())
    assert {problem["line"] for problem in ran.json["problems"]} == set(range(last - 199, last + 1))


def test_an_estate_that_is_not_there_is_a_usage_error(untouched: Scene):
    nowhere = untouched.bastide.folder / "no-such-folder"
    told(untouched.bastide("-e", str(nowhere), "plan"), 2, str(nowhere), "name an estate.yml")


def test_a_site_that_the_estate_does_not_have_is_a_usage_error(untouched: Scene):
    ran = untouched.bastide("apply", "--yes", "--site", "cavaillon")
    told(ran, 2, "the estate has no site 'cavaillon'", f"its sites are {SITE}")


def test_a_secret_that_is_not_set_is_named_by_its_variable(untouched: Scene):
    del untouched.bastide.secrets["CARPENTRAS_SECRET"]
    told(untouched.bastide("apply", "--yes"), 1, "CARPENTRAS_SECRET is not set", "export CARPENTRAS_SECRET")


def test_a_secret_file_that_others_can_read_is_refused(untouched: Scene):
    secret = untouched.bastide.folder / "token"
    secret.write_text(untouched.lab.sites[SITE].secret)
    secret.chmod(0o644)
    untouched.api(secret="file:token")
    told(untouched.bastide("plan"), 3, "token", "has mode 0644", "chmod 600")


def test_without_a_terminal_and_without_yes_nothing_is_done(untouched: Scene):
    told(untouched.bastide("apply"), 5, "nobody is there to confirm", "--yes")


@pytest.mark.parametrize("option", ["restart", "restart=", "explode=record"])
def test_a_permission_that_says_too_little_is_a_usage_error(untouched: Scene, option):
    told(untouched.bastide("apply", "--yes", "--allow", option), 2, f"--allow {option}", "--allow")


def test_a_command_that_is_misspelt_is_told_the_right_one(untouched: Scene):
    ran = untouched.bastide("aply")
    assert ran.code == 2
    assert "Did you mean 'apply'?" in ran.err
