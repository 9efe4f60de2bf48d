"""One file of YAML: its values, its places, and what is wrong with it."""

from pathlib import Path

import pytest

from provisioner.estate.documents import place
from provisioner.estate.source import read


def reading(tmp_path: Path, text: str):
    file = tmp_path / "one.yml"
    file.write_text(text, encoding="utf-8")
    return read(file)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("22:30", "22:30"),
        ("2026-11-22", "2026-11-22"),
        ("1_000", "1_000"),
        ("0o17", 15),
        ("0x1F", 31),
        ("010", 10),
        ("-3", -3),
        ("1e3", 1000.0),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("'7'", "7"),
        ("!!str 7", "7"),
        ("=", "="),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(tmp_path, written, meant):
    value = reading(tmp_path, f"key: {written}\n").top["key"]
    assert value == meant
    assert type(value) is type(meant)


def test_keys_are_text_whatever_they_look_like(tmp_path):
    assert list(reading(tmp_path, "10: a\nno: b\n10.84.0.0/16: c\n").top) == ["10", "no", "10.84.0.0/16"]


def test_a_scalar_stands_at_its_value_and_a_mapping_at_its_key(tmp_path):
    top = reading(tmp_path, "a:\n  b:\n    - one\n    - two: 2\n").top
    assert _at(top, "a") == (1, 1)
    assert _at(top, "a", "b") == (2, 3)
    assert _at(top, "a", "b", 0) == (3, 7)
    assert _at(top, "a", "b", 1, "two") == (4, 12)


def test_a_path_that_leads_nowhere_stands_where_it_stops_leading_somewhere(tmp_path):
    top = reading(tmp_path, "a:\n  b: 1\n").top
    assert _at(top, "a", "c", "d") == (1, 1)


def _at(top, *path):
    mark = place(top, path)
    return mark.line + 1, mark.column + 1


def test_a_merge_key_fills_in_what_is_not_written(tmp_path):
    top = reading(
        tmp_path, "base: &base {a: 1, b: 2}\nmore: &more {c: 3}\nx: {<<: [*base, *more], b: 9}\n"
    ).top
    assert top["x"] == {"b": 9, "a": 1, "c": 3}
    assert _at(top, "x", "a") == (1, 17)


def test_a_key_that_stands_twice_names_both_places(tmp_path):
    (problem,) = reading(tmp_path, "a: 1\nb: 2\na: 3\n").problems
    assert (problem.line, problem.message) == (3, "`a` stands twice here; the first is at line 1")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: [1, 2\nb: 3\n", 2, "broken YAML"),
        ("a: &a [*a]\n", 1, "an anchor holds itself"),
        ("a: *nobody\n", 1, "broken YAML"),
        ("a: 1\n---\nb: 2\n", 2, "broken YAML"),
        ("? [a, b]\n: 1\n", 1, "a key must be text"),
        ("a: !secret x\n", 1, "the tag `!secret` means nothing here"),
        ("a: !!int x\n", 1, "`x` is not a int"),
        ("x: {<<: 3}\n", 1, "`<<` takes a mapping"),
        ("- a\n", 1, "the file holds no mapping"),
        ("", 1, "the file is empty"),
        ("a: \x07\n", 1, "broken YAML"),
    ],
)
def test_what_is_no_good_yaml_is_a_problem_with_its_line(tmp_path, text, line, says):
    (problem, *_) = reading(tmp_path, text).problems
    assert says in problem.message
    assert problem.line == line


def test_bytes_that_are_no_text_are_a_problem(tmp_path):
    file = tmp_path / "one.yml"
    file.write_bytes(b"a: \xff\xfe\n")
    (problem,) = read(file).problems
    assert problem.message == "is not UTF-8 text (byte 3)"
