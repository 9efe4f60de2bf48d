"""What roles say of themselves is true of their tasks and variables."""

import pytest
import yaml

from tools.roles_reference import CATALOGUE, applied, folders

KINDS = {"node", "vm", "ct", "witness", "host"}
ROLES = {folder.name: folder for folder in folders()}
LEVELS = {
    one["id"]: one["level"] for one in yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["controls"]
}


@pytest.fixture(params=sorted(ROLES))
def role(request):
    return ROLES[request.param]


def read(file):
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None


def names_of_tasks(node):
    """The names in a file of tasks, those within blocks too."""
    for task in node or ():
        yield task.get("name")
        for part in ("block", "rescue", "always"):
            yield from names_of_tasks(task.get(part))


def options(role):
    specs = read(role / "meta" / "argument_specs.yml")["argument_specs"]
    return {name: one for spec in specs.values() for name, one in spec.get("options", {}).items()}


def with_inner(found):
    for name, one in found.items():
        yield name, one
        yield from ((f"{name}.{key}", inner) for key, inner in with_inner(one.get("options", {})))


def test_every_task_that_a_role_names_for_a_control_is_there_word_for_word(role):
    present = {name for file in role.glob("tasks/**/*.yml") for name in names_of_tasks(read(file))}
    assert {one.task for one in applied(role)} - present == set()


def test_every_default_is_specified_and_every_option_has_a_default_or_is_required(role):
    defaults, specified = set(read(role / "defaults" / "main.yml") or {}), options(role)
    assert defaults - set(specified) == set()
    assert {name for name, one in specified.items() if not one.get("required")} - defaults == set()


def test_every_option_has_a_type_and_a_description(role):
    lacking = {
        name
        for name, one in with_inner(options(role))
        if not (one.get("type") and one.get("description"))
        or (one["type"] == "list" and "elements" not in one)
    }
    assert lacking == set()


def test_a_default_that_the_specification_repeats_is_the_real_one(role):
    defaults = read(role / "defaults" / "main.yml") or {}
    repeated = {name: one["default"] for name, one in options(role).items() if "default" in one}
    assert repeated == {name: defaults.get(name) for name in repeated}


def test_every_variable_of_a_role_begins_with_its_name(role):
    names = {*options(role), *(read(role / "vars" / "main.yml") or {})}
    assert {name for name in names if not name.startswith(f"{role.name}__")} == set()


def test_a_role_gives_every_control_the_level_of_the_catalogue(role):
    assert {one.id: one.level for one in applied(role) if one.id in LEVELS} == {
        one.id: LEVELS[one.id] for one in applied(role) if one.id in LEVELS
    }
    assert {one.level for one in applied(role)} <= set(LEVELS.values())


def test_a_control_is_told_once_for_each_task(role):
    told = [(one.id, one.task) for one in applied(role)]
    assert len(told) == len(set(told))


def test_every_deviation_says_of_which_hosts_why_and_what_is_done_instead(role):
    for one in applied(role):
        for deviation in one.deviations:
            assert deviation.keys() == {"kinds", "reason", "measure"}, one.id
            assert deviation["kinds"], one.id
            assert set(deviation["kinds"]) <= KINDS, one.id
            assert deviation["reason"].strip(), one.id
            assert deviation["measure"].strip(), one.id
