"""The lab's own estate, applied to real hosts: guests become machines that one can log in to."""

from hosts_lab import bastide, wait_for


def test_every_guest_of_the_estate_boots_with_its_name_and_address(applied):
    lab, _ = applied
    guests = {"10.84.20.21": "ca-dpi-db", "10.84.20.22": "ca-dpi-app", "10.184.20.62": "cv-dns"}
    for address, name in guests.items():
        wait_for(lambda at=address: lab.answers(at), 120)
        assert lab.ssh(address, "hostname") == name


def test_what_was_applied_is_there_and_nothing_more_is_to_do(applied):
    _, estate = applied
    again = bastide("-e", str(estate), "plan")
    assert again.returncode == 0, again.stdout


def test_the_patient_record_of_both_clinics_answers(applied):
    lab, _ = applied
    for proxy in ("10.84.20.61", "10.184.20.61"):
        wait_for(
            lambda at=proxy: lab.try_ssh("10.99.0.2", "curl", "-skf", f"https://{at}/").returncode == 0, 180
        )


def test_the_tables_of_the_patient_record_can_be_asked(applied):
    lab, _ = applied
    ask = ("runuser", "-u", "postgres", "--", "psql", "-At", "-l")
    assert "dpi" in wait_for(lambda: lab.try_ssh("10.84.20.21", *ask).stdout, 60)
