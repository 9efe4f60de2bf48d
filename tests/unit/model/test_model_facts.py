"""Paths into what was collected."""

import pytest

from provisioner.model.facts import WrongPath, find, parse

SECTIONS = {
    "sysctl": {"kernel.sysrq": "0"},
    "users": {"root": {"uid": 0}, "eve": {"uid": 0, "shell": "/bin/sh"}},
    "ports": [{"name": "ssh", "port": 22}, {"port": 80}, {"name": "x"}],
    "empty": [],
}


def at(path):
    return find(parse(path), SECTIONS)


def test_a_name_with_dots_is_quoted():
    assert at('sysctl."kernel.sysrq"').value == "0"


def test_what_is_not_there_is_told_from_what_is_empty():
    assert not at("sysctl.kernel").there
    assert not at("nothing[].name").there
    assert at("empty[].name").there
    assert at("empty[].name").value == []


def test_every_value_is_told_by_its_name():
    assert at("users{}.uid").several == (("root", 0), ("eve", 0))
    assert at("users{}.shell").several == (("eve", "/bin/sh"),)
    assert at("ports[].port").several == (("ssh", 22), ("2", 80))


def test_values_are_chosen_by_patterns_of_their_names_and_there_has_to_be_one():
    assert at("users{r*}.uid").several == (("root", 0),)
    assert at("users{eve|root}.uid").several == (("root", 0), ("eve", 0))
    assert not at("users{bob|alice}.uid").there


@pytest.mark.parametrize("path", ["", "a..b", ".a", 'a."b', "a b", "a[1]"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(WrongPath):
        parse(path)
