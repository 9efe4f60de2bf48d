"""Limits of time and size, secrets that stay where they are, and the walk through all files."""

import json
import os
import stat

import pytest

from provisioner.hosts.collector import look, sections, walk


def test_a_walk_finds_rights_that_should_not_be_there(tmp_path, monkeypatch):
    for name, mode in {"suid": 0o4755, "sgid": 0o2755, "open": 0o666, "plain": 0o644}.items():
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    for name, mode in {"anyone": 0o777, "sticky": 0o1777}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    guest = tmp_path / "subvol-101-disk-0"
    guest.mkdir()
    (guest / "suid").touch()
    (guest / "suid").chmod(0o4755)
    monkeypatch.setattr(walk, "_starts", lambda: [str(tmp_path)])
    found = walk.walk()
    assert [one["path"] for one in found["setuid"]] == [f"{tmp_path}/sgid", f"{tmp_path}/suid"]
    assert [one["mode"] for one in found["setuid"]] == ["2755", "4755"]
    assert found["world_writable_files"] == [f"{tmp_path}/open"]
    assert found["world_writable_directories"] == [f"{tmp_path}/anyone"]
    assert found["ownerless"] == []
    assert found["truncated"] is False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_walk_finds_what_belongs_to_nobody(tmp_path, monkeypatch):
    (tmp_path / "left").touch()
    os.chown(tmp_path / "left", 987654, 987654)
    monkeypatch.setattr(walk, "_starts", lambda: [str(tmp_path)])
    assert walk.walk()["ownerless"] == [f"{tmp_path}/left"]


def test_a_walk_that_finds_more_than_is_listed_says_so():
    found = walk.walked_in("".join(f"w 666 root /f{number}\0" for number in range(1001)))
    assert len(found["world_writable_files"]) == 1000
    assert found["truncated"] is True


def test_a_walk_that_takes_too_long_is_no_finding(monkeypatch):
    monkeypatch.setattr(walk, "WALKED_SECONDS", 0)
    with pytest.raises(look.Unseen, match="took longer than 0 seconds"):
        walk.walk()


def test_programs_that_take_too_long_are_ended():
    with pytest.raises(look.Unseen, match=r"sleep took longer than 0\.1 seconds"):
        look.run("sleep", "60", seconds=0.1)


def test_programs_that_say_too_much_are_ended():
    with pytest.raises(look.Unseen, match="or said more than 1000 bytes"):
        look.run("yes", longest=1000)


def test_programs_that_fail_are_told_with_their_last_words():
    with pytest.raises(look.Unseen, match=r"^ls ended with 2: ls: cannot access '/nowhere'"):
        look.run("ls", "/nowhere")
    with pytest.raises(look.Unseen, match=r"^no-such-program: No such file"):
        look.run("no-such-program")


def test_a_pipe_in_place_of_a_file_does_not_stop_everything(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert look.read(str(tmp_path / "pipe")) == ""
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_evidence_is_cut_and_says_so(monkeypatch):
    monkeypatch.setattr(look, "raw", {})
    look.keep("long", "x" * (look.KEPT + 5))
    assert look.raw["long"].endswith(f"\n[cut here: {look.KEPT + 5} characters in all]")
    for number in range(20):
        look.keep(str(number), "y" * look.KEPT)
    assert sum(map(len, look.raw.values())) < look.KEPT_IN_ALL + 2000


def test_secrets_are_taken_out_of_whatever_was_seen():
    told = {
        "uris": ["https://alice:s3cret@mirror/debian", "http://mirror/a@b"],
        "conninfo": "host=db password=s3cret user=x",
        "hba": "ldapbindpasswd='two words' x",
        "kept": ["passwd_tries=3", "PASS_MAX_DAYS 365"],
    }
    assert sections.without_secrets(told) == {
        "uris": ["https://***@mirror/debian", "http://mirror/a@b"],
        "conninfo": "host=db password=*** user=x",
        "hba": "ldapbindpasswd=*** x",
        "kept": ["passwd_tries=3", "PASS_MAX_DAYS 365"],
    }


def test_a_document_leaves_out_the_longest_evidence_first_then_sections(monkeypatch):
    monkeypatch.setattr(sections, "LONGEST", 4096 + 2000)
    found = {"small": {"data": 1}, "large": {"data": "x" * 3000}}
    told = json.loads(sections.document({"format": "f"}, found, {"one": "y" * 3000, "two": "z"}))
    assert told["sections"]["small"] == {"data": 1}
    assert told["sections"]["large"] == {"error": "3012 bytes were too long for the answer and left out"}
    assert told["raw"] == {"one": "3002 bytes were too long for the answer and left out", "two": "z"}


def test_a_section_that_breaks_breaks_alone(monkeypatch):
    monkeypatch.setitem(sections.SECTIONS, "os", lambda: {}["nothing"])
    assert sections.look("os", float("inf")) == {
        "error": "what is there was not understood: KeyError: 'nothing'"
    }
    assert sections.look("bastide", float("inf"))["data"]["rollback"] in {"none", "armed", "happened"}
    assert sections.look("os", 0.0) == {"error": "the 55 seconds for all sections were over"}
