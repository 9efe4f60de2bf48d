"""The lab answers as a real Proxmox VE cluster did: the corpus is replayed, stretch by stretch.

The corpus is read from $BASTIDE_FACTS, or from ../shared/facts beside the checkout, and never copied; without
it these tests are skipped, and say so. Pick one with `-k`: `pytest tests/contract -k firewall`.
"""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import corpus
import pytest
import replay
import yaml

from lab import contract
from lab.running import running_lab
from lab.spec import LabSpec, SiteSpec

ACCEPTED = Path(__file__).with_name("accepted.yml")
STRETCHES = replay.stretches()

pytestmark = pytest.mark.skipif(
    not corpus.CORPUS.exists(),
    reason=f"CONFORMANCE NOT TESTED: {len(STRETCHES)} stretches need {corpus.CORPUS} (set BASTIDE_FACTS)",
)


def real_cluster() -> LabSpec:
    """A cluster as the one that was observed: three empty nodes and one directory."""
    local = {
        "type": "dir",
        "path": "/var/lib/vz",
        "content": "images,rootdir,snippets,backup,vztmpl,iso",
        "prune-backups": "keep-all=1",
        "priority": 0,
    }
    site = SiteSpec(
        name="real",
        cluster="real",
        nodes=("pve1", "pve2", "pve3"),
        storages={"local": local},
        files=("local:vztmpl/debian-13-standard_13.0-1_amd64.tar.xz",),
    )
    return LabSpec(sites=(site,), time_scale=0.0, port=0)


def unused(real):
    rows = yaml.safe_load(replay.STRETCHES.read_text(encoding="utf-8"))["unused"]
    return any(re.fullmatch(row, real.path) for row in rows)


def call_of(real):
    found = contract.match(real.path)
    return f"{real.method} {found.template if found else real.path}"


@pytest.mark.parametrize("stretch", STRETCHES, ids=lambda stretch: stretch.name)
def test_the_lab_answers_as_the_real_cluster_did(stretch, tmp_path):
    accepted = (yaml.safe_load(ACCEPTED.read_text(encoding="utf-8")) or {}).get(stretch.name, [])
    stale = {f"{row['call']} {row['where']}" for row in accepted}
    surprises = []
    with running_lab(real_cluster(), tmp_path) as lab:
        player = replay.Player(lab, corpus.load())
        player.set_scene(stretch.before)
        for real, difference in player.play(stretch, unused):
            rows = [
                f"{row['call']} {row['where']}"
                for row in accepted
                if row["call"] == call_of(real) and fnmatchcase(difference.where, row["where"])
            ]
            stale -= set(rows)
            if not rows:
                surprises.append(f"{real.seq} {call_of(real)} {difference}")
    assert not surprises, "\n".join([f"{len(surprises)} differences", *surprises])
    assert not stale, f"no longer different, so take it off accepted.yml: {sorted(stale)}"


def test_every_accepted_difference_belongs_to_a_stretch_and_has_a_reason():
    rows = yaml.safe_load(ACCEPTED.read_text(encoding="utf-8")) or {}
    assert rows.keys() <= {stretch.name for stretch in STRETCHES}
    assert all(len(row["why"]) > 20 for accepted in rows.values() for row in accepted)


def test_every_real_answer_is_replayed_or_left_out_for_a_reason():
    left_out = yaml.safe_load(replay.STRETCHES.read_text(encoding="utf-8"))["left_out"]
    assert all(row["why"] for row in left_out)
    replayed = {seq for stretch in STRETCHES for seq in stretch.seqs}
    missing = corpus.load().keys() - replayed
    assert missing == {seq for row in left_out for seq in range(row["from"], row["to"] + 1)}
