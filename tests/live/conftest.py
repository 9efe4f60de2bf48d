"""A real cluster, named by the environment; docs/live-tests.md says what it has to be."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml

from tests.integration.conftest import Bastide

NEEDED = ("URLS", "TOKEN", "STORAGE", "BRIDGE", "VMIDS")
PREFIX = "BASTIDE_TEST_PVE_"
ESTATE = "bastide-proof"
NAME = "proof"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster under test, and the little of it that the suite may use."""

    urls: tuple[str, ...]
    token: str
    ca: str | None
    storage: str
    bridge: str
    vmids: range

    def get(self, path: str):
        answer = requests.get(
            f"{self.urls[0]}/api2/json{path}",
            headers={"Authorization": f"PVEAPIToken={self.token}"},
            verify=self.ca or True,
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()["data"]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    given = {name: os.environ.get(PREFIX + name, "") for name in (*NEEDED, "CA")}
    if missing := [PREFIX + name for name in NEEDED if not given[name]]:
        pytest.fail(f"the live suite needs {', '.join(missing)}; see docs/live-tests.md", pytrace=False)
    first, _, last = given["VMIDS"].partition("-")
    return Cluster(
        urls=tuple(url.strip().rstrip("/") for url in given["URLS"].split(",")),
        token=given["TOKEN"],
        ca=given["CA"] or None,
        storage=given["STORAGE"],
        bridge=given["BRIDGE"],
        vmids=range(int(first), int(last) + 1),
    )


@pytest.fixture
def estate(cluster, tmp_path) -> Bastide:
    """An estate of this cluster with nothing in it but how to reach it."""
    (tmp_path / "estate.yml").write_text(yaml.safe_dump(frame(cluster)))
    return Bastide(
        tmp_path, {"PROOF_TOKEN": cluster.token.partition("=")[2], "PROOF_PASSWORD": "Proof-of-Bastide-1"}
    )


def frame(cluster: Cluster) -> dict:
    status = cluster.get("/cluster/status")
    name = next((row["name"] for row in status if row["type"] == "cluster"), "standalone")
    capacity = {row["node"]: row for row in cluster.get("/nodes")}
    nodes = {
        row["name"]: {
            "address": row["ip"],
            "memory": f"{capacity[row['name']]['maxmem'] // 2**20}M",
            "cores": capacity[row["name"]]["maxcpu"],
        }
        for row in status
        if row["type"] == "node" and row["online"]
    }
    site = {
        "cluster": name,
        "version": int(cluster.get("/version")["release"].split(".")[0]),
        "api": {
            "endpoints": list(cluster.urls),
            "token": cluster.token.partition("=")[0],
            "secret": "env:PROOF_TOKEN",
        }
        | ({"ca": str(Path(cluster.ca).resolve())} if cluster.ca else {}),
        "nodes": nodes,
    }
    return {"estate": ESTATE, "sites": {NAME: site}}
