"""What guests of the platform are told at their first start."""

import re
import subprocess
from functools import cache

import pytest
import yaml

from lab.platform.cloud_init import (
    CLINICS,
    ENABLE,
    PACKAGES,
    ROLES,
    SETUP,
    Identity,
    Secrets,
    document,
    snippets,
)

SECRETS = Secrets(
    database="for-the-database",
    files="for-the-files",
    proxies={clinic.site: Identity(f"who-{clinic.site}-is", f"key-of-{clinic.site}") for clinic in CLINICS},
)
PLACES = [(clinic, role) for clinic in CLINICS for role in ROLES]


@pytest.fixture(params=PLACES, ids=lambda place: f"{place[0].prefix}-{place[1].name}")
def place(request):
    return request.param


@cache
def parsed(clinic, role):
    return yaml.load(document(clinic, role, SECRETS), yaml.CSafeLoader)


@pytest.fixture
def told(place):
    return parsed(*place)


def content(told, path):
    return next(file["content"] for file in told["write_files"] if file["path"] == path)


def test_every_guest_has_a_document_of_its_own():
    names = snippets(SECRETS)

    assert set(names) == {f"{clinic.prefix}-{role.name}.yml" for clinic, role in PLACES}
    assert len(set(names.values())) == len(PLACES)


def test_a_document_is_cloud_config_and_leaves_to_proxmox_what_is_its_own(place, told):
    assert document(*place, SECRETS).startswith("#cloud-config\n")
    assert set(told) == {"write_files", "runcmd"}


def test_no_blank_is_left_and_no_file_is_written_twice(told):
    paths = [file["path"] for file in told["write_files"]]

    assert len(paths) == len(set(paths))
    assert not [file for file in told["write_files"] if re.search(r"@\{", file["content"])]


def test_what_is_run_is_written_before_and_is_a_shell_script(told):
    assert told["runcmd"] == [ENABLE]
    for file in told["write_files"]:
        if file["path"].startswith("/usr/local/sbin/"):
            assert file["permissions"] == "0755"
            subprocess.run(["sh", "-n"], input=file["content"], text=True, check=True)


def test_secrets_are_only_in_files_that_others_cannot_read(told):
    secret = [
        file["permissions"] for file in told["write_files"] if re.search("for-the-|key-of-", file["content"])
    ]

    assert set(secret) <= {"0600", "0640"}


def test_each_guest_learns_only_the_secrets_that_it_needs(place, told):
    text = repr(told)

    assert ("for-the-database" in text) == (place[1].name in {"dpi-db", "dpi-app"})
    assert ("for-the-files" in text) == (place[1].name == "files")
    assert re.findall(r"key-of-\w+", text) == [f"key-of-{place[0].site}"] * (place[1].name == "proxy")


def test_a_setup_installs_its_packages_and_an_image_can_hold_them_all(place, told):
    assert f"install-missing {' '.join(place[1].packages)}\n" in content(told, SETUP)
    assert set(place[1].packages) <= set(PACKAGES)


@pytest.mark.parametrize("clinic", CLINICS, ids=lambda one: one.site)
def test_the_parts_of_a_clinic_know_each_other(clinic):
    role = {one.name: one for one in ROLES}
    told = {name: parsed(clinic, one) for name, one in role.items()}

    assert f"{clinic.address('dpi-app')}/32" in content(told["dpi-db"], "/etc/dpi/pg_hba.conf")
    assert f"host={clinic.address('dpi-db')} " in content(told["dpi-app"], "/etc/dpi/dpi.env")
    assert f"server {clinic.address('dpi-app')}:8000" in content(
        told["proxy"], "/etc/nginx/sites-available/dpi"
    )
    names = content(told["dns"], "/etc/unbound/unbound.conf.d/clinics.conf")
    assert all(f'"dpi.{one.site}.lab. A {one.address("proxy")}"' in names for one in CLINICS)


def test_the_program_in_the_guest_is_the_one_that_is_tested(told, place):
    sent = {file["path"] for file in told["write_files"] if file["path"].startswith("/opt/dpi/dpi/")}

    if place[1].program:
        assert {"/opt/dpi/dpi/app.py", "/opt/dpi/dpi/schema.sql", "/opt/dpi/dpi/templates/home.html"} <= sent
    else:
        assert not sent
