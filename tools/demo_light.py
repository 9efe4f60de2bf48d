"""The demo where no machine can be booted: the same job against the lab's API alone."""

from __future__ import annotations

from demo_stage import Scene, Stage

ESTATE = "demo/inventory/lab-api"
ABOUT = (
    "What ran is the light lab: a simulated Proxmox VE API. No machine was booted, no guest ran, and no disk "
    "held a byte."
)
NOT_SHOWN = (
    "the patient application of both sites, ssh into nodes and guests, its database, load, "
    "and faults of machines"
)
SCENES = (
    Scene(
        "Start the light lab: two simulated Proxmox VE clusters",
        ("bastide", "lab", "up", "--api-only", "--dir", "demo/.lab"),
    ),
    Scene("Is the estate right?", ("bastide", "-e", ESTATE, "validate")),
    Scene(
        "What would change? (exit 4: changes)", ("bastide", "-e", ESTATE, "plan", "-o", "demo/plan.json"), 4
    ),
    Scene("Apply exactly that plan", ("bastide", "-e", ESTATE, "apply", "demo/plan.json")),
    Scene("Plan again: nothing is left to do", ("bastide", "-e", ESTATE, "plan")),
)
AFTER = (
    Scene("See exactly what that means", ("bastide", "-e", ESTATE, "plan"), 4),
    Scene("The lab, and what of it is simulated", ("bastide", "lab", "status", "--dir", "demo/.lab")),
)


def play(stage: Stage) -> None:
    """All that the light lab can show."""
    for scene in SCENES:
        stage.play(scene)
    stage.edit(ESTATE, "memory: 4G", "memory: 6G")
    for scene in AFTER:
        stage.play(scene)
