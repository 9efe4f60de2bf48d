"""The live suite against the lab, as if that were a real cluster: it works when one is at hand."""

import os
import subprocess
import sys
from dataclasses import replace

from lab.running import running_lab
from lab.spec import LabSpec
from tests.integration.conftest import ROOT


def test_the_live_suite_passes_on_the_lab_and_leaves_nothing(tmp_path):
    spec = LabSpec.sized(sites=1)
    (site,) = spec.sites
    plain = {
        "local": {**site.storages["local"], "content": "backup,images,import,iso,rootdir,snippets,vztmpl"}
    }
    with running_lab(
        replace(spec, sites=(replace(site, storages={**site.storages, **plain}),)), tmp_path / "lab"
    ) as lab:
        access = lab.sites["carpentras"]
        before = (
            lab.control.status()["sites"]["carpentras"]["guests"] if "sites" in lab.control.status() else None
        )
        environment = {
            **os.environ,
            "BASTIDE_TEST_PVE_URLS": ",".join(access.urls),
            "BASTIDE_TEST_PVE_TOKEN": access.token,
            "BASTIDE_TEST_PVE_CA": str(access.cafile),
            "BASTIDE_TEST_PVE_STORAGE": "local",
            "BASTIDE_TEST_PVE_BRIDGE": "vmbr0",
            "BASTIDE_TEST_PVE_VMIDS": "9900-9909",
        }
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "live", "tests/live"],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "1 passed" in ran.stdout
        assert lab.control.illegal() == []
        assert before is None or lab.control.status()["sites"]["carpentras"]["guests"] == before
