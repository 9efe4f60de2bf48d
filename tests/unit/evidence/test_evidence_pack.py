"""A pack is verified by stock tools, exactly as its own page says, and by Bastide."""

import html
import re
import shutil
import subprocess
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from ledger_cases import EVENING, NOON, copied, entry, files_no_larger_than

from provisioner.errors import BastideError, EvidenceCorrupt, Refused
from provisioner.evidence.ledger import append
from provisioner.evidence.pack import pack
from provisioner.evidence.signature import Signers
from provisioner.evidence.unpack import verify_pack

REPORTS = {"summary.fr.html": "<h1>Synthèse</h1>".encode(), "tables/plan.csv": b"a,b\n"}


@pytest.fixture
def packed(ledger, tmp_path):
    """The pack, and its signature beside it."""
    target = tmp_path / "handed" / "audit-2026.zip"
    target.parent.mkdir()
    pack(ledger, REPORTS, target)
    return target


def flaws_of(file: Path, ledger) -> list[str]:
    return [str(flaw) for flaw in verify_pack(file, Signers(ledger.signers), "synergia").flaws]


def unzipped(file: Path) -> Path:
    subprocess.run(("unzip", "-q", file), cwd=file.parent, check=True)
    return file.parent / "synergia-000002"


def commands_of(page: Path) -> str:
    """What the page tells an auditor to type."""
    found = re.findall(r"<pre><code>(.*?)</code></pre>", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(found) == 4
    return html.unescape("\n".join(found))


def typed(folder: Path) -> subprocess.CompletedProcess[str]:
    """The page's commands in a shell, with nothing of Bastide."""
    command = ("bash", "-c", commands_of(folder / "VERIFY.html"))
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_commands_on_the_page_verify_the_pack(packed, ledger):
    done = typed(unzipped(packed))
    lines = done.stdout.splitlines()
    fingerprint = Signers(ledger.signers).listed()[0].fingerprint
    assert fingerprint in lines[0]
    spaces = ["bastide-pack", "bastide-pack", "bastide-ledger", "bastide-ledger", "bastide-ledger-head"]
    said = 'Good "{}" signature for bastide@synergia with ED25519 key {}'
    assert lines[1:] == [said.format(space, fingerprint) for space in spaces]
    assert done.stderr == ""


def test_a_pack_holds_in_the_eyes_of_bastide_too(packed, ledger):
    found = verify_pack(packed, Signers(ledger.signers), "synergia")
    assert found.flaws == found.notes == ()
    assert len(found.records) == 2


def test_a_pack_has_the_reports_the_records_and_what_they_name(packed):
    folder = unzipped(packed)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in names if not name.startswith("ledger/")} == {
        "MANIFEST.sha256", "MANIFEST.sha256.sig", "VERIFY.html", "allowed_signers",
        "reports/summary.fr.html", "reports/tables/plan.csv",
    }  # fmt: skip
    assert len([name for name in names if name.startswith("ledger/objects/")]) == 3


def test_the_same_content_makes_the_same_pack(packed, ledger, tmp_path):
    again = tmp_path / "again" / packed.name
    again.parent.mkdir()
    pack(ledger, dict(reversed(REPORTS.items())), again)
    assert again.read_bytes() == packed.read_bytes()
    assert (
        again.with_name(f"{packed.name}.sig").read_bytes()
        == packed.with_name(f"{packed.name}.sig").read_bytes()
    )


def stock(file: Path, signers: Path) -> bool:
    """Whether ssh-keygen finds the archive as it was signed."""
    who = ("ssh-keygen", "-Y", "verify", "-f", signers, "-I", "bastide@synergia", "-n", "bastide-pack")
    with file.open("rb") as content:
        done = subprocess.run(
            (*who, "-s", file.with_name(f"{file.name}.sig")), stdin=content, capture_output=True, check=False
        )
    return done.returncode == 0


def test_a_changed_byte_anywhere_in_a_pack_is_found(packed, ledger):
    content = packed.read_bytes()
    for place in range(0, len(content), len(content) // 60):
        packed.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert flaws_of(packed, ledger)[0].startswith("audit-2026.zip.sig: it does not sign this archive")
        assert not stock(packed, ledger.signers)
    packed.write_bytes(content)
    assert stock(packed, ledger.signers)


def test_a_changed_byte_anywhere_in_the_signature_of_a_pack_is_found(packed, ledger):
    seal = packed.with_name(f"{packed.name}.sig")
    content = seal.read_bytes()
    for place in range(0, len(content), 9):
        seal.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert flaws_of(packed, ledger)[0].startswith("audit-2026.zip.sig: ")


def test_a_changed_byte_in_any_file_of_a_pack_is_found_by_the_commands_on_the_page(packed):
    folder = unzipped(packed)
    good = typed(folder).stdout
    assert good.count("Good ") == 5
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        # ssh-keygen overlooks what stands between the lines of a signature; the list of hashes does not.
        places = [place for place, byte in enumerate(content) if byte != ord("\n")]
        for place in (places[len(places) // 2], places[-1]):
            file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            done = typed(folder)
            assert done.stdout != good, (file, place)
            assert re.search(r"FAILED|Could not verify|BROKEN|rror", done.stdout + done.stderr), (file, place)
        file.write_bytes(content)
    assert typed(folder).stdout == good


def zipped_again(folder: Path, target: Path):
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))


def test_a_report_that_was_changed_and_packed_again_is_named_by_all(packed, ledger):
    folder = unzipped(packed)
    (folder / "reports/summary.fr.html").write_text("<h1>Tout va bien</h1>")
    done = typed(folder)
    assert "reports/summary.fr.html: FAILED" in done.stdout
    zipped_again(folder, packed)
    found = flaws_of(packed, ledger)
    assert found[0].startswith("audit-2026.zip.sig: it does not sign this archive")
    assert "reports/summary.fr.html: its content was changed" in found


def test_files_that_came_or_went_are_named(packed, ledger):
    folder = unzipped(packed)
    (folder / "reports/tables/plan.csv").unlink()
    (folder / "reports/more.txt").write_text("more")
    zipped_again(folder, packed)
    found = flaws_of(packed, ledger)
    assert "reports/tables/plan.csv: it is missing" in found
    assert "reports/more.txt: it is not in MANIFEST.sha256" in found


def test_the_page_finds_a_record_that_is_not_in_its_place(packed):
    folder = unzipped(packed)
    shutil.rmtree(folder / "ledger/records/000001")
    assert "BROKEN CHAIN: ledger/records/000002/record.json" in typed(folder).stdout


def test_an_archive_without_its_signature_does_not_hold(packed, ledger):
    packed.with_name(f"{packed.name}.sig").unlink()
    (flaw,) = flaws_of(packed, ledger)
    assert flaw.startswith("audit-2026.zip.sig: it is missing, and only it signs the whole archive")


def test_what_is_no_archive_is_told(packed, ledger):
    packed.write_bytes(b"no archive")
    assert "audit-2026.zip: it cannot be unpacked: File is not a zip file" in flaws_of(packed, ledger)


def test_raw_files_of_long_ago_can_be_left_out(ledger, tmp_path):
    target = tmp_path / "new.zip"
    pack(ledger, {}, target, since=NOON + timedelta(minutes=1))
    found = verify_pack(target, Signers(ledger.signers))
    assert found.flaws == ()
    assert found.notes == ("the content of 1 attached files is not part of this copy",)
    assert "FAILED" not in typed(unzipped(target)).stdout


def test_an_expired_key_still_holds_for_the_records_of_its_time(ledger, tmp_path):
    append(ledger, entry(EVENING), {})
    line = ledger.signers.read_text()
    ledger.signers.write_text(line.replace("namespaces=", 'valid-after="20261122120000",namespaces='))
    target = tmp_path / "audit.zip"
    pack(ledger, {}, target)
    subprocess.run(("unzip", "-q", target), cwd=tmp_path, check=True)
    folder = tmp_path / "synergia-000003"
    assert typed(folder).stdout.count("Good ") == 6


def test_a_ledger_that_does_not_hold_is_not_packed(ledger, tmp_path):
    shutil.rmtree(ledger.folder / "records/000001")
    with pytest.raises(EvidenceCorrupt, match="nothing was packed"):
        pack(ledger, {}, tmp_path / "audit.zip")
    assert not list(tmp_path.glob("*.zip*"))


@pytest.mark.parametrize("name", ["it's.zip", "-o.zip", "a b.zip", "$(id).zip"])
def test_a_name_that_a_shell_would_misread_is_refused(ledger, tmp_path, name):
    with pytest.raises(Refused, match="no name that every tool understands"):
        pack(ledger, {}, tmp_path / name)


def test_a_pack_never_replaces_another(packed, ledger):
    before = packed.read_bytes()
    with pytest.raises(Refused, match="exists already"):
        pack(ledger, {}, packed)
    assert packed.read_bytes() == before


@pytest.mark.parametrize("size", [0, 400, 3000])
def test_a_full_disk_leaves_no_half_pack(ledger, tmp_path, size):
    target = copied(ledger, tmp_path / "copy").folder.parent / "audit.zip"
    with files_no_larger_than(size), pytest.raises(BastideError, match="cannot be written"):
        pack(ledger, REPORTS, target)
    assert not list(target.parent.glob("*zip*"))
    assert not list(target.parent.glob(".*"))
