"""Ansible itself runs a play of three hosts: two stand for this machine's user, and one does not answer."""

from types import SimpleNamespace

import pytest

from provisioner.errors import BastideError
from provisioner.hosts import ansible
from provisioner.hosts.ansible import Play, run

ESTATE = """
estate: small
sites:
  north:
    cluster: c
    api: { endpoints: ["https://127.0.0.1:8006"], token: root@pam!bastide, secret: env:SECRET }
    spare_nodes: 0
    nodes:
      good: { address: 127.0.0.1, memory: 64G, cores: 8 }
      full: { address: 127.0.0.2, memory: 64G, cores: 8 }
      gone: { address: 127.0.0.3, memory: 64G, cores: 8 }
"""
PLAYBOOK = """
- name: Write and fail
  hosts: all
  gather_facts: false
  tasks:
    - name: A line for everybody
      ansible.builtin.import_role: { name: scribe }
    - name: What some must not
      ansible.builtin.debug: { msg: "{{ bastide_level }}" }
      when: may
    - name: Fill the disk
      ansible.builtin.fail: { msg: no space left on device }
      when: inventory_hostname == 'full'
"""
ROLE = """
- name: Write a line
  ansible.builtin.copy:
    content: "of {{ inventory_hostname }}\\n"
    dest: "{{ folder }}/{{ inventory_hostname }}"
    mode: "0600"
"""


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An estate whose group_vars keep Ansible on this machine, and playbooks and roles of the tests' own."""
    folder = tmp_path_factory.mktemp("ansible")
    write(folder / "estate" / "estate.yml", ESTATE)
    local = f"ansible_connection: local\nansible_become: false\nfolder: {folder / 'out'}\n"
    write(folder / "estate" / "group_vars" / "all.yml", local)
    write(folder / "estate" / "host_vars" / "gone.yml", "ansible_connection: ssh\nansible_port: 1\n")
    write(folder / "playbooks" / "try.yml", PLAYBOOK)
    write(folder / "roles" / "scribe" / "tasks" / "main.yml", ROLE)
    for name in ("out", "tmp"):
        (folder / name).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ansible, "share", lambda name: folder / name)
        patch.setattr("tempfile.tempdir", str(folder / "tmp"))
        patch.setenv("ANSIBLE_INVENTORY", "/nowhere")  # what the user has set means nothing here
        yield folder


def played(place, hosts, *, check):
    """What was seen of each task on each host, the exit code, and who has a line."""
    seen = []
    may = {host: {"may": host == "good"} for host in hosts}
    play = Play("try", place / "estate", hosts, check=check, variables={"bastide_level": 4}, of_hosts=may)
    code = run(play, seen.append)
    written = {file.name: file.read_text(encoding="utf-8") for file in (place / "out").iterdir()}
    return SimpleNamespace(code=code, seen={(one.host, one.task): one for one in seen}, written=written)


@pytest.fixture(scope="module")
def looked(place):
    return played(place, ("good",), check=True)


@pytest.fixture(scope="module")
def done(place, looked):
    return played(place, ("good", "full", "gone"), check=False)


def test_a_look_says_what_would_change_and_changes_nothing(looked):
    line = looked.seen["good", "Write a line"]
    assert (line.state, line.role) == ("changed", "scribe")
    assert line.diff.splitlines()[2:] == ["@@ -0,0 +1 @@", "+of good"]
    assert looked.code == 0
    assert looked.written == {}


def test_every_task_is_seen_on_every_host_as_it_ended(done):
    assert {where: one.state for where, one in done.seen.items()} == {
        ("good", "Write a line"): "changed",
        ("full", "Write a line"): "changed",
        ("gone", "Write a line"): "unreachable",
        ("good", "What some must not"): "ok",
        ("full", "What some must not"): "skipped",
        ("good", "Fill the disk"): "skipped",
        ("full", "Fill the disk"): "failed",
    }
    assert done.code != 0
    assert done.written == {"good": "of good\n", "full": "of full\n"}


def test_what_went_wrong_is_told_in_the_words_of_who_knows(done):
    assert done.seen["full", "Fill the disk"].message == "no space left on device"
    assert "port 1: Connection refused" in done.seen["gone", "Write a line"].message


def test_variables_of_the_run_reach_the_hosts(done):
    assert done.seen["good", "What some must not"].message == "4"


def test_nothing_of_a_run_is_left_behind(place, done):
    assert list((place / "tmp").iterdir()) == []


def test_an_estate_that_cannot_be_read_is_a_sentence_and_no_host_is_seen(place):
    write(place / "broken" / "estate.yml", ESTATE.replace("cores", "coers"))
    seen = []
    with pytest.raises(BastideError, match=r"^Ansible could not begin: ") as error:
        run(Play("try", place / "broken", ("good",)), seen.append)
    assert error.value.hint == "nothing was changed on any host"
    assert seen == []
