"""Playbooks, run by ansible-runner, and what they say of each host."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from provisioner.errors import BastideError
from provisioner.interrupt import told_to_stop
from provisioner.model.hosts import Seen
from provisioner.share import share

FORKS = 10
PLUGIN_FAILED = "plugin:"
"""What stands before the words of the inventory plugin when it could not read the estate."""

LOOKS_UP_SECONDS = 1
"""How often a run looks whether it was told to stop, and Ansible said nothing meanwhile."""

STRANGER = "its host key is not the one pinned by the estate (ssh: known_hosts), or none is: nothing was done"

STATES: Mapping[str, Literal["ok", "failed", "unreachable", "skipped"]] = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
}


@dataclass(frozen=True, slots=True)
class Play:
    """One run of a playbook of Bastide's, on hosts of an estate.

    `variables` are for all hosts, `of_hosts` for single ones. With `check` nothing is changed.
    """

    playbook: str
    estate: Path
    hosts: tuple[str, ...]
    check: bool = False
    tags: tuple[str, ...] = ()
    variables: Mapping[str, object] | None = None
    of_hosts: Mapping[str, Mapping[str, object]] | None = None


def run(play: Play, tell: Callable[[Seen], None]) -> int:
    """Run a play to its end, telling what is seen of each task on each host; Ansible's exit code.

    Raises BastideError when Ansible itself could not begin, with what it said, and KeyboardInterrupt after
    Ctrl-C has ended Ansible: nothing of it runs on here. What it had begun on a host may.
    """
    from ansible_runner.config.runner import RunnerConfig  # noqa: PLC0415 - slow to import
    from ansible_runner.runner import Runner  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="bastide-") as folder:
        config = RunnerConfig(
            private_data_dir=folder,
            playbook=str(share("playbooks") / f"{play.playbook}.yml"),
            inventory=_inventory(play, Path(folder)),
            limit=",".join(play.hosts),
            tags=",".join(play.tags) or None,
            forks=FORKS,
            extravars=dict(play.variables or {}),
            cmdline="--diff --check" if play.check else "--diff",
            quiet=True,
            suppress_ansible_output=True,
            settings={"pexpect_timeout": LOOKS_UP_SECONDS},
            envvars=_environment(Path(folder)),
        )
        config.prepare()
        said = _Said(tell)
        with told_to_stop(second_ends=False) as told:
            runner = Runner(config, event_handler=said.event, cancel_callback=told.is_set)
            runner.run()
        if told.is_set():
            raise KeyboardInterrupt
        if not said.began:
            raise BastideError(
                "Ansible could not begin: " + _last_line(runner), "nothing was changed on any host"
            )
        return int(runner.rc)


def tags() -> frozenset[str]:
    """Every tag that a task of Bastide's playbooks and roles has."""
    files = [*share("playbooks").glob("*.yml"), *share("roles").glob("*/tasks/*.yml")]
    return frozenset(tag for file in files for tag in _tags(yaml.safe_load(file.read_bytes())))


def _tags(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from _tags(one)
    elif isinstance(part, dict):
        named = part.get("tags", ())
        yield from [named] if isinstance(named, str) else named
        for one in part.values():
            yield from _tags(one)


class _Said:
    """Turns ansible-runner's events into what is seen of a task on a host."""

    def __init__(self, tell: Callable[[Seen], None]) -> None:
        self._tell = tell
        self.began = False

    def event(self, event: Mapping[str, Any]) -> bool:
        """One event; False, so that ansible-runner keeps no file of it: a diff may hold what is private."""
        self.began = self.began or event["event"] == "playbook_on_play_start"
        about = event.get("event_data", {})
        state = STATES.get(event["event"])
        if state and not (state == "failed" and about.get("ignore_errors")):
            # Of a task that may hold secrets (no_log) only the line for people tells of a change.
            changed = str(event.get("stdout", "")).lstrip().startswith("changed:")
            self._tell(_seen(state, about, changed=changed))
        return False


def _seen(
    state: Literal["ok", "failed", "unreachable", "skipped"], about: Mapping[str, Any], *, changed: bool
) -> Seen:
    answer = about.get("res") or {}
    changed = state == "ok" and (changed or bool(answer.get("changed")))
    return Seen(
        host=str(about.get("host", "")),
        role=str(about.get("role", "")),
        task=str(about.get("task", "")),
        state="changed" if changed else state,
        diff="\n".join(_diffs(answer)),
        message=_message(answer),
    )


def _message(answer: Mapping[str, Any]) -> str:
    words = [str(answer.get(key, "")).strip() for key in ("msg", "stderr")]
    if words[0] == "non-zero return code":
        words[0] = f"exit code {answer.get('rc')}" + (f": {words[1].splitlines()[-1]}" if words[1] else "")
    results = (one for one in answer.get("results") or () if isinstance(one, dict))
    words += [str(one.get("msg", "")) for one in results if one.get("failed")]
    said = next((word for word in words if word), "")
    return STRANGER if "mismatching host key" in said else said


def _diffs(answer: Mapping[str, Any]) -> Iterator[str]:
    """What a task changed, as unified differences; tasks that may hold secrets say nothing (no_log)."""
    import difflib  # noqa: PLC0415 - only changes need it

    found = answer.get("diff") or [
        one.get("diff") for one in answer.get("results") or () if isinstance(one, dict)
    ]
    for one in _flat(found):
        if "prepared" in one:
            yield str(one["prepared"]).rstrip()
            continue
        before, after = (_text(one.get(key)) for key in ("before", "after"))
        title = str(one.get("before_header") or one.get("after_header") or "")
        yield from difflib.unified_diff(before, after, "before " + title, "after " + title, "", "", 1, "")


def _flat(found: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(found, dict):
        yield found
    for one in found if isinstance(found, list) else ():
        yield from _flat(one)


def _text(value: object) -> list[str]:
    if isinstance(value, dict | list):
        return yaml.safe_dump(value, default_flow_style=False).splitlines()
    return str(value or "").splitlines()


def _inventory(play: Play, folder: Path) -> str:
    """The estate as inventory, and beside it what only this run says of hosts."""
    where = folder / "inventory"
    where.mkdir()
    told = {"plugin": "bastide", "estate": str(play.estate.resolve())}
    (where / "bastide.yml").write_text(yaml.safe_dump(told), encoding="utf-8")
    hosts = {"all": {"hosts": {name: dict(said) for name, said in (play.of_hosts or {}).items()}}}
    (where / "run.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
    beside = play.estate if play.estate.is_dir() else play.estate.parent
    for name in ("group_vars", "host_vars"):
        if (beside / name).is_dir():
            (where / name).symlink_to((beside / name).resolve())
    return str(where)


def _environment(folder: Path) -> dict[str, str]:
    """Ansible as Bastide wants it, whatever the user's own configuration says."""
    empty = folder / "ansible.cfg"
    empty.touch()
    plugins = Path(__file__).resolve().parent.parent / "ansible"
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "ANSIBLE_CONFIG": str(empty),
        "ANSIBLE_INVENTORY_PLUGINS": str(plugins / "inventory_plugins"),
        "ANSIBLE_INVENTORY_ENABLED": "bastide,yaml",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        "ANSIBLE_ROLES_PATH": str(share("roles")),
        "ANSIBLE_STRATEGY_PLUGINS": str(plugins / "strategy_plugins"),
        "ANSIBLE_STRATEGY": "bastide",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",  # one is about strategies that are not Ansible's own
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_NOCOLOR": "true",
    }


def _last_line(runner: Any) -> str:
    """Why Ansible could not begin: what it warned of first is nearer to the reason than its last word."""
    with runner.stdout as out, runner.stderr as errors:
        lines = [line.strip() for line in (*out, *errors) if line.strip()]
    telling = [line for mark in (PLUGIN_FAILED, "ERROR") for line in lines if mark in line]
    line = str((telling or lines or ["it said nothing"])[0])
    return line.partition(PLUGIN_FAILED)[2].strip() or line.removeprefix("[ERROR]:").strip().rstrip(".")
