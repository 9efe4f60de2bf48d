"""UPIDs as Proxmox VE writes them (PVE/UPID.pm)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provisioner.pve.tasks import Upid, is_upid

CLONE = "UPID:ventoux-1:0003E8FA:012ABCDEF:6920F000:qmclone:9000:bastide@pve!iac:"


def test_a_upid_is_read_with_the_token_of_its_user():
    upid = Upid.parse(CLONE)
    assert (upid.node, upid.type, upid.id, upid.user) == ("ventoux-1", "qmclone", "9000", "bastide@pve!iac")
    assert (upid.pid, upid.pstart) == (0x3E8FA, 0x12ABCDEF)
    assert upid.started == datetime.fromtimestamp(0x6920F000, UTC)
    assert str(upid) == "qmclone 9000 on ventoux-1"


def test_a_task_may_work_on_nothing_in_particular():
    upid = Upid.parse("UPID:pve1:0000ABCD:00001234:66000000:srvreload::root@pam:")
    assert (upid.id, str(upid)) == ("", "srvreload on pve1")


def test_what_a_upid_works_on_cannot_change_the_path():
    upid = Upid.parse("UPID:pve1:0000ABCD:00001234:66000000:imgdel:local/../x?y:root@pam:")
    assert (
        upid.path
        == "/nodes/pve1/tasks/UPID:pve1:0000ABCD:00001234:66000000:imgdel:local%2F..%2Fx%3Fy:root@pam:"
    )


@pytest.mark.parametrize("text", ["", "OK", CLONE[:-1], CLONE + "x", CLONE.replace("6920F000", "later")])
def test_anything_else_is_no_upid(text):
    assert not is_upid(text)
    with pytest.raises(ValueError, match="is no UPID"):
        Upid.parse(text)


@pytest.mark.parametrize("answer", [None, 1, ["x"], {"data": CLONE}])
def test_an_answer_that_is_no_text_is_no_upid(answer):
    assert not is_upid(answer)
