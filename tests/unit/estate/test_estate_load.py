"""Files, includes and defaults become one estate."""

from pathlib import Path

import pytest

from provisioner.errors import EstateInvalid, Exit
from provisioner.estate.checks.removals import DECLARED, UNNAMED
from provisioner.estate.load import NoEstate, find_estate, load
from provisioner.resources.catalogue import BY_NAME

ROOT = Path(__file__).parents[3]
SOUND = (Path(__file__).parent / "sound" / "estate.yml").read_text(encoding="utf-8")
GUEST = "{ vmid: %d, site: south, node: s1, memory: 1G, storage: fast }"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        file = folder / f"{name.replace('__', '/')}.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def including(*names: str) -> str:
    return f"include: [{', '.join(names)}]\n{SOUND}"


def problems_of(folder: Path):
    with pytest.raises(EstateInvalid) as caught:
        load(folder)
    return [(Path(problem.file).name, problem.line, problem.message) for problem in caught.value.problems]


ESTATES = [("synergia", 3, 20), ("lab-api", 3, 20), ("lab", 2, 8)]


@pytest.mark.parametrize(("name", "nodes", "guests"), ESTATES)
def test_the_estates_that_come_along_are_sound(name, nodes, guests):
    estate = load(ROOT / "inventory" / name).estate
    assert len(estate.sites) == 2
    assert all(len(site.nodes) == nodes for site in estate.sites.values())
    assert estate.services
    assert len(estate.guests) > guests


def test_included_files_are_merged_by_their_keys(tmp_path):
    write(tmp_path, estate=including("more/*.yml"), more__a="guests: { a: %s }" % (GUEST % 500))
    write(tmp_path, more__b="guests: { b: %s }" % (GUEST % 501))
    loaded = load(tmp_path)
    assert {"a", "b", "db"} <= set(loaded.estate.guests)
    assert [file.name for file in loaded.files] == ["estate.yml", "a.yml", "b.yml"]
    assert loaded.positions.of("guests", "b", "vmid") == f"{tmp_path}/more/b.yml:1:22"


def test_a_file_that_is_included_twice_is_read_once(tmp_path):
    write(tmp_path, estate=including("a.yml", "'*.yml'"), a="guests: { a: %s }" % (GUEST % 500))
    assert load(tmp_path).estate.guests["a"].vmid == 500


def test_files_that_include_each_other_are_a_problem(tmp_path):
    write(tmp_path, estate=including("a.yml"), a="include: b.yml", b="include: [a.yml]")
    ((file, line, message),) = problems_of(tmp_path)
    assert (file, line) == ("b.yml", 1)
    assert "which is being read" in message


def test_a_leaf_that_two_files_give_names_both(tmp_path):
    write(tmp_path, estate=including("a.yml"), a="\ntimezone: Europe/Rome\n")
    ((file, line, message),) = problems_of(tmp_path)
    assert (file, line) == ("a.yml", 2)
    assert message == f"`timezone` is given here and in {tmp_path}/estate.yml, line 3"


def test_a_broken_file_does_not_make_the_others_look_broken(tmp_path):
    write(tmp_path, estate="include: [rest.yml]\nestate: x\n", rest="sites: {\n")
    assert [(file, "broken YAML" in message) for file, _line, message in problems_of(tmp_path)] == [
        ("rest.yml", True)
    ]


def test_the_nearer_default_wins_and_lists_are_replaced(tmp_path):
    defaults = """
defaults:
  guest: { cores: 3, tags: [far], ha: { max_restart: 4, max_relocate: 5 } }
  vm: { cores: 5, tags: [near] }
"""
    write(tmp_path, estate=SOUND + defaults)
    guests = load(tmp_path).estate.guests
    assert guests["lab"].cores == 5
    assert guests["lab"].tags == ("near",)
    assert (guests["db"].ha.max_restart, guests["db"].ha.max_relocate) == (4, 5)


def test_a_key_with_nothing_takes_a_default_away(tmp_path):
    text = SOUND.replace("  lab:\n", "  lab:\n    ha:\n    cloud_init: { user: }\n", 1)
    defaults = (
        "defaults: { guest: { ha: { max_restart: 4 } }, vm: { cloud_init: { user: ada, upgrade: true } } }\n"
    )
    write(tmp_path, estate=text + defaults)
    lab = load(tmp_path).estate.guests["lab"]
    assert lab.ha is None
    assert lab.cloud_init.user is None
    assert lab.cloud_init.upgrade is True


def test_a_fault_in_a_default_is_named_once_and_where_it_stands(tmp_path):
    write(tmp_path, estate=including("d.yml"), d="defaults:\n  guest:\n    cores: many\n")
    assert problems_of(tmp_path) == [("d.yml", 3, "`cores` must be a whole number, and is `many`")]


def test_one_broken_guest_hides_nothing_of_the_others(tmp_path):
    text = SOUND.replace("    vmid: 110\n", "    vmid: 99\n", 1).replace("vmid: 210", "vmid: 111")
    write(tmp_path, estate=text)
    assert [message for _file, _line, message in problems_of(tmp_path)] == [
        "`vmid` must be at least 100, and is `99`",
        "VMID 111 of `lab` is already that of `app`",
    ]


def test_what_may_be_removed_is_what_bastide_knows():
    assert {*DECLARED, *UNNAMED} <= set(BY_NAME)


def test_the_estate_of_a_folder_is_found_from_below(tmp_path):
    write(tmp_path, estate=SOUND)
    deep = tmp_path / "guests" / "deep"
    deep.mkdir(parents=True)
    assert find_estate(deep) == tmp_path / "estate.yml"


def test_no_estate_is_told_with_what_to_do(tmp_path):
    with pytest.raises(NoEstate) as caught:
        find_estate(tmp_path)
    assert "bastide init" in caught.value.hint
    assert caught.value.exit_code == Exit.USAGE
    with pytest.raises(NoEstate):
        load(tmp_path / "nothing.yml")


def test_problems_come_in_the_order_of_the_files(tmp_path):
    text = SOUND.replace("rpo: 1d", "rpo: soon").replace("cores: 16 }", "cores: x }")
    write(tmp_path, estate=text)
    lines = [line for _file, line, _message in problems_of(tmp_path)]
    assert lines == sorted(lines)
    assert len(lines) == 4
