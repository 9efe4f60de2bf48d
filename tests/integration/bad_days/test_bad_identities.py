"""Something else under the same number: what Bastide did not make is not removed, changed or made anew."""

from tests.integration.bad_days.scenes import SITE, Scene, held

TIME = ("estate.yml", "comment: Clinic", "comment: The clinic")


def _forget_archive(scene: Scene) -> None:
    """The estate wants guest 112 no more; a rule that might hold it is changed before it goes."""
    path = scene.bastide.folder / "estate.yml"
    path.write_text(path.read_text().partition("  archive:\n")[0])
    scene.bastide.edit("estate.yml", "affinity: negative", "affinity: negative, comment: Apart")


def test_a_guest_that_took_the_number_of_one_to_be_removed_is_left_alone(applied: Scene):
    _forget_archive(applied)
    with held(applied, "PUT", "/cluster/ha/rules/apart", "--yes", "--allow", "destroy=archive") as apply:
        applied.operator("POST", "/nodes/ventoux-3/qemu/112/status/stop")
        applied.operator("DELETE", "/nodes/ventoux-3/qemu/112")
        applied.operator("POST", "/nodes/ventoux-3/qemu", vmid=112, name="archive", memory=1024)
    assert apply.returncode == 1
    assert f"{SITE}/vm/112 (archive) is not the one that Bastide made" in apply.stderr
    assert applied.operator.guest(112)["name"] == "archive"


def test_a_guest_to_be_removed_that_was_changed_since_the_plan_is_left_alone(applied: Scene):
    _forget_archive(applied)
    with held(applied, "PUT", "/cluster/ha/rules/apart", "--yes", "--allow", "destroy=archive") as apply:
        applied.operator("PUT", "/nodes/ventoux-3/qemu/112/config", name="archive-in-use")
    assert apply.returncode == 1
    assert f"{SITE}/vm/112 (archive) was changed by somebody else since the plan (name)" in apply.stderr
    assert applied.operator.guest(112)["name"] == "archive-in-use"


def test_a_guest_that_somebody_removed_since_the_plan_is_not_made_anew(applied: Scene):
    applied.bastide.edit("estate.yml", "memory: 1G", "memory: 2G")
    applied.bastide.edit(*TIME)
    with held(applied, "PUT", "/pools", "--yes") as apply:
        applied.operator("POST", "/nodes/ventoux-3/qemu/112/status/stop")
        applied.operator("DELETE", "/nodes/ventoux-3/qemu/112")
    assert apply.returncode == 1
    assert f"{SITE}/vm/112 (archive) was removed by somebody else since the plan" in apply.stderr
    assert applied.operator.guest(112) == {}
