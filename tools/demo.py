"""The main job on the lab, scene by scene; leaves the lab up and `demo/report.html`, a transcript to look at.

As root on Debian it plays on booted hosts (demo_hosts), elsewhere on the lab's API alone (demo_light).
`make demo DOWN=1`, or CI in the environment, takes the lab down at the end. `--end` only does that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import demo_hosts
import demo_light
from demo_stage import ROOT, DemoFailed, Stage
from rich.console import Console
from rich.panel import Panel

from lab.background import running_in
from lab.hosts import lifecycle, names, preflight, whose
from lab.hosts.topology import standard

OUT = ROOT / "demo"
LAB = OUT / ".lab"
DOWN = ("bastide", "lab", "down", "--dir", "demo/.lab")
INTERRUPTED = 130
REFUSED = 5
LOOK_YOURSELF = """\
Look yourself; the lab stays up (about {memory} of memory) until you end it:

  export PATH=$PWD/.venv/bin:$PATH XDG_DATA_HOME=$PWD/demo/.kept

  {curl}
  {browser}
  ssh -F demo/.lab/ssh_config ventoux-1                  # a node; the others in `bastide lab status`
  ssh -F demo/.lab/ssh_config root@10.84.20.21           # a guest: the database of Carpentras
  ssh -F demo/.lab/ssh_config root@10.84.20.21 'runuser -u postgres -- psql dpi -c "TABLE units"'

  bastide lab status --dir demo/.lab
  bastide lab load --dir demo/.lab --url https://10.84.20.61 --seconds 10 --journal mine.jsonl
  bastide lab fault site-down --site cavaillon --dir demo/.lab
  bastide lab fault --lift --dir demo/.lab
  bastide -e demo/inventory/lab plan

  bastide lab down --dir demo/.lab                       # end it; nothing is left but the cache of images
"""


def main() -> int:
    """Play the demo that this machine can carry; the exit code."""
    console = Console(stderr=True, width=100)
    if sys.argv[1:] == ["--end"]:
        _end(console)
        return 0
    problem = _in_the_way()
    if problem:
        console.print(f"[bold red]The demo cannot begin: {problem}[/]")
        return REFUSED
    _end(console)
    missing = preflight.problems(standard(), names.folder())
    stage = Stage()
    _prepare()
    if missing:
        _warn(console, missing)
    try:
        (demo_light if missing else demo_hosts).play(stage)
    except DemoFailed as error:
        console.print(f"[bold red]The demo stopped: {error}.[/]")
        _write(stage, light=bool(missing))
        _keep_log(console)
        _end(console, half_made=True)
        return 1
    except KeyboardInterrupt:
        console.print("\n[bold]Interrupted.[/]")
        _end(console, half_made=True)
        return INTERRUPTED
    _write(stage, light=bool(missing))
    _finish(console, stage, missing)
    return 0


def _in_the_way() -> str:
    """Why the demo must not begin: a lab that is not its own. Empty when nothing is."""
    if not lifecycle.is_there():
        return ""
    owner = whose.folder()
    if owner is None:
        return "something of a lab is left on this machine; remove it with `bastide lab clean`"
    if owner != LAB:
        return f"a lab of yours is up; end it first with `bastide lab down --dir {owner}`"
    return ""


def _end(console: Console, *, half_made: bool = False) -> None:
    """Take the demo's lab down if it is up, `half_made` also without its API; Ctrl-C does not reach this."""
    ours = lifecycle.is_there() and (whose.folder() == LAB or (half_made and whose.folder() is None))
    if not ours and running_in(LAB) is None:
        return
    console.print("Taking the demo's lab down …")
    subprocess.run(DOWN, cwd=ROOT, check=False, start_new_session=True)


def _keep_log(console: Console) -> None:
    """Save what the lab's API said; the log goes with the lab."""
    log = names.folder() / "log" / "api.log"
    if log.exists():
        shutil.copy(log, OUT / "api.log")
        console.print("What the lab's API said is in demo/api.log, the transcript in demo/report.html.")


def _prepare() -> None:
    """A fresh folder with copies of the lab's estates, so that the demo never touches the checkout's."""
    if OUT.exists():
        shutil.rmtree(OUT)
    for estate in ("lab", "lab-api"):
        wanted = shutil.ignore_patterns(".bastide")
        shutil.copytree(ROOT / "inventory" / estate, OUT / "inventory" / estate, ignore=wanted)


def _warn(console: Console, missing: tuple[str, ...]) -> None:
    told = "\n".join(f"- {one}" for one in missing)
    text = (
        f"The lab of real hosts cannot come up here:\n{told}\n\n"
        f"This is the light lab, its API alone. Not shown: {demo_light.NOT_SHOWN}."
    )
    console.print(Panel(text, title="NO REAL HOSTS HERE", border_style="bold red"))


def _write(stage: Stage, *, light: bool) -> None:
    about = demo_light.ABOUT if light else demo_hosts.ABOUT
    (OUT / "report.html").write_text(stage.report(about), encoding="utf-8")
    (OUT / "picture.svg").write_text(stage.picture(), encoding="utf-8")


def _finish(console: Console, stage: Stage, missing: tuple[str, ...]) -> None:
    """Say what is left to look at, and end the lab where nobody will look."""
    console.print(f"\n[bold green]▌ Done in {time.monotonic() - stage.began:.0f} s[/]")
    console.print("The transcript is in demo/report.html, the approved plan in demo/plan.json.")
    for report in sorted((OUT / "reports").glob("*")):
        console.print(f"What an auditor reads of the hardened lab: {report.relative_to(ROOT)}")
    console.print(demo_light.ABOUT if missing else demo_hosts.ABOUT)
    if missing:
        _warn(console, missing)
    if missing or os.environ.get("DOWN") or os.environ.get("CI"):
        _end(console)
        return
    print()
    print(_look_yourself())


def _look_yourself() -> str:
    curl = "curl --cacert demo/.lab/ca.pem https://10.84.20.61/api/health"
    browser = "https://10.84.20.61/ and https://10.184.20.61/     # in a browser that trusts demo/.lab/ca.pem"
    return LOOK_YOURSELF.format(curl=curl, browser=browser, memory=_memory())


def _memory() -> str:
    """How much memory the lab's processes take, as the kernel shares it out among them."""
    return f"{whose.memory_bytes() / 1024**3:.1f} GiB"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
