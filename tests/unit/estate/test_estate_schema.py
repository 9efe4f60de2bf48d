"""The JSON Schema agrees with what `validate` accepts."""

import re
from pathlib import Path

import jsonschema
import pytest

from provisioner.estate.schema import document_schema
from provisioner.estate.source import read
from provisioner.estate.words import PATTERNS

ROOT = Path(__file__).parents[3]
FILES = [
    file
    for depth in ("*/*.yml", "*/*/*.yml")
    for file in sorted((ROOT / "inventory").glob(depth))
    if file.name != "bastide.yml"  # Ansible's, to find the estate beside it
]


@pytest.fixture(scope="module")
def validator():
    schema = document_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_file_of_the_estates_that_come_along_fits_the_schema(validator, file):
    assert [error.message for error in validator.iter_errors(read(file).top)] == []


@pytest.mark.parametrize(
    "document",
    [
        {"contry": "FR"},
        {"guests": {"db": {"vmid": 110, "memroy": "2G"}}},
        {"guests": {"db": {"memory": "2G"}}},
        {"guests": {"Not_A_Name": {"vmid": 110}}},
        {"sites": {"a": {"storages": {"x1": {"type": "nfs", "thinpool": "x"}}}}},
        {"windows": {"night": {"start": "25:00", "end": "05:00"}}},
        {"defaults": {"guests": {}}},
        {"include": 3},
    ],
)
def test_what_validate_refuses_the_schema_refuses_too(validator, document):
    assert not validator.is_valid(document)


@pytest.mark.parametrize(
    "document",
    [
        {"guests": {"db": {"vmid": 110}}},
        {"guests": {"db": {"kind": "ct", "vmid": 110, "disks": {"rootfs": "8G"}}}},
        {"defaults": {"guest": {"memory": "2G"}, "ct": {"features": ["nesting=1"]}, "service": {"tier": 2}}},
        {"include": "sites/*.yml"},
        {"sites": {"a": {"firewall": {"rules": [{"action": "ACCEPT", "dport": 443}]}}}},
    ],
)
def test_a_part_of_an_estate_fits_the_schema(validator, document):
    assert validator.is_valid(document)


def test_every_pattern_of_the_model_is_explained_in_words():
    shown = set(re.findall(r"'pattern': '((?:[^'\\]|\\.)*)'", str(document_schema())))
    known = {repr(pattern)[1:-1] for pattern in PATTERNS}
    units = {pattern for pattern in shown if r"\\d+" in pattern}
    assert shown - units - known == set()
