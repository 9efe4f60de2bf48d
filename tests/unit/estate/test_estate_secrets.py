"""Secrets by reference: had when they may be, refused in words that never show them."""

import stat
import sys
from pathlib import Path

import pytest

from provisioner.errors import EstateInvalid
from provisioner.estate.load import load
from provisioner.estate.secrets import NoSecret, api_secret, resolve, store
from provisioner.model.base import SecretRef
from provisioner.model.site import Api

SOUND = (Path(__file__).parent / "sound" / "estate.yml").read_text(encoding="utf-8")


def tool(folder: Path, name: str, body: str) -> None:
    """A program of that name, first on the path, that notes its arguments."""
    file = folder / name
    file.write_text(f"#!{sys.executable}\nimport pathlib, sys\n{body}\n", encoding="utf-8")
    file.chmod(0o755)


def test_a_secret_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("CLINIC_TOKEN", "s3cret")
    assert resolve(SecretRef("env:CLINIC_TOKEN"), tmp_path) == "s3cret"


def test_a_variable_that_is_not_set_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("CLINIC_TOKEN", raising=False)
    with pytest.raises(NoSecret, match="CLINIC_TOKEN is not set"):
        resolve(SecretRef("env:CLINIC_TOKEN"), tmp_path)


def test_what_is_stored_can_be_resolved_and_only_its_owner_reads_it(tmp_path):
    ref = SecretRef("file:secrets/deep/token")
    store(ref, tmp_path, "first")
    store(ref, tmp_path, "second")
    file = tmp_path / "secrets" / "deep" / "token"
    assert resolve(ref, tmp_path) == "second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["token"]


def test_only_a_file_can_receive_a_secret(tmp_path):
    with pytest.raises(NoSecret) as caught:
        store(SecretRef("env:X"), tmp_path, "s3cret")
    assert "s3cret" not in caught.value.what + caught.value.hint


def test_a_file_that_others_can_read_is_refused_without_showing_it(tmp_path):
    file = tmp_path / "token"
    file.write_text("s3cret\n", encoding="utf-8")
    file.chmod(0o640)
    with pytest.raises(NoSecret, match="has mode 0640") as caught:
        resolve(SecretRef("file:token"), tmp_path)
    assert "s3cret" not in caught.value.what + caught.value.hint


@pytest.mark.parametrize(("content", "says"), [(None, "cannot be read"), ("", "is empty")])
def test_a_file_without_a_secret_is_told(tmp_path, content, says):
    if content is not None:
        (tmp_path / "token").write_text(content, encoding="utf-8")
        (tmp_path / "token").chmod(0o600)
    with pytest.raises(NoSecret, match=says):
        resolve(SecretRef("file:token"), tmp_path)


def test_validate_names_a_secret_file_that_others_can_read(tmp_path):
    (tmp_path / "north.token").write_text("s3cret", encoding="utf-8")
    (tmp_path / "north.token").chmod(0o644)
    text = SOUND.replace("env:NORTH_TOKEN", "file:north.token")
    (tmp_path / "estate.yml").write_text(text, encoding="utf-8")
    with pytest.raises(EstateInvalid) as caught:
        load(tmp_path)
    (problem,) = caught.value.problems
    assert problem.line == text[: text.index("file:north.token")].count("\n") + 1
    assert problem.message == "secret file `north.token` has mode 0644, so that others can read it"


def test_validate_does_not_ask_for_secrets_that_are_not_there_yet(tmp_path):
    text = SOUND.replace("env:NORTH_TOKEN", "file:later.token")
    (tmp_path / "estate.yml").write_text(text, encoding="utf-8")
    assert load(tmp_path).estate.sites["north"].api.secret == "file:later.token"


def test_sops_is_asked_for_one_key_by_an_argument_list(monkeypatch, tmp_path):
    tool(tmp_path, "sops", "print('|'.join(sys.argv[1:]))")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "all.yml").write_text("", encoding="utf-8")
    answer = resolve(SecretRef("sops:all.yml#api.north"), tmp_path)
    assert answer == f'--decrypt|--extract|["api"]["north"]|{tmp_path}/all.yml'


def test_ansible_vault_gives_the_key_of_a_file(monkeypatch, tmp_path):
    tool(tmp_path, "ansible-vault", "print('api:\\n  north: 0042\\n' if sys.argv[1] == 'view' else '')")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "all.yml").write_text("", encoding="utf-8")
    assert resolve(SecretRef("vault:all.yml#api.north"), tmp_path) == "0042"
    with pytest.raises(NoSecret, match=r"has no key api\.south"):
        resolve(SecretRef("vault:all.yml#api.south"), tmp_path)


def test_a_tool_that_fails_is_quoted_and_one_that_lacks_is_named(monkeypatch, tmp_path):
    tool(tmp_path, "sops", "print('s3cret'); sys.exit('no key could decrypt it')")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "all.yml").write_text("", encoding="utf-8")
    with pytest.raises(NoSecret, match="no key could decrypt it") as caught:
        resolve(SecretRef("sops:all.yml#x"), tmp_path)
    assert "s3cret" not in caught.value.what
    with pytest.raises(NoSecret, match="ansible-vault is not installed"):
        resolve(SecretRef("vault:all.yml#x"), tmp_path)


def test_a_token_may_be_kept_whole(monkeypatch, tmp_path):
    monkeypatch.setenv("WHOLE", "bastide@pve!plan=1234")
    api = Api(endpoints=["https://10.0.0.1:8006"], token="bastide@pve!plan", secret="env:WHOLE")
    assert api_secret(api, tmp_path) == "1234"
