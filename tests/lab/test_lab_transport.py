"""How the lab speaks HTTP: what pve-http-server does whatever is asked."""

import pytest
import requests
from lab_client import Api, session_for


def test_an_answer_names_the_release_and_the_server(api):
    answer = api("GET", "/version")
    assert answer.json()["data"]["version"] == "9.2.11"
    assert answer.headers["Server"] == "pve-api-daemon/3.0"


def test_without_credentials_the_answer_is_an_empty_401(site):
    with session_for(site, Accept="*/*") as session:
        answer = Api(site, session)("GET", "/version")
    assert (answer.status_code, answer.reason, answer.content) == (401, "No ticket", b"")


@pytest.mark.parametrize("token", ["root@pam!bastide=wrong", "root@pam!other=1", "nonsense"])
def test_a_wrong_token_is_refused(site, token):
    with session_for(site, Authorization=f"PVEAPIToken={token}") as session:
        answer = Api(site, session)("GET", "/version")
    assert (answer.status_code, answer.reason, answer.content) == (401, "Authentication failed!", b"")


def test_a_ticket_writes_only_with_its_csrf_token(site):
    with session_for(site, Accept="*/*") as session:
        api = Api(site, session)
        login = api.data("POST", "/access/ticket", username=site.user, password=site.password)
        session.cookies.set("PVEAuthCookie", login["ticket"])
        assert api("GET", "/nodes").ok
        refused = api("POST", "/pools", poolid="csrf")
        assert (refused.status_code, refused.reason) == (401, "Permission denied - invalid csrf token")
        session.headers["CSRFPreventionToken"] = login["CSRFPreventionToken"]
        assert api("POST", "/pools", poolid="csrf").ok


def test_an_error_stands_in_the_reason_phrase_and_in_the_body_and_closes_the_connection(api):
    answer = api("GET", "/nodes/ventoux-1/qemu/999/config")
    text = "Configuration file 'nodes/ventoux-1/qemu-server/999.conf' does not exist"
    assert (answer.status_code, answer.reason) == (500, text)
    assert answer.json() == {"data": None, "message": text + "\n"}
    assert answer.headers["Connection"] == "close"


def test_an_unknown_path_is_501(api):
    assert api("GET", "/nosuch").status_code == 501
    assert api("POST", "/version").reason == "Method 'POST /version' not implemented"


def test_parameters_are_named_one_by_one(api):
    answer = api("POST", "/nodes/ventoux-1/qemu", vmid="many", bogus=1)
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {"vmid", "bogus"}


def test_a_json_body_is_taken_and_its_arrays_are_lists(api, site):
    api.data("POST", "/pools", poolid="json")
    url = site.urls[0] + "/api2/json/pools"
    assert api.session.put(url, json={"poolid": "json", "vms": ["1001", "1002"]}).ok
    assert {one["vmid"] for one in api.data("GET", "/pools/json")["members"]} == {1001, 1002}


def test_an_empty_value_is_a_value(api):
    api.data("PUT", "/nodes/ventoux-3/qemu/1001/config", description="words")
    api.data("PUT", "/nodes/ventoux-3/qemu/1001/config", description="")
    assert api.data("GET", "/nodes/ventoux-3/qemu/1001/config")["description"] == ""


def test_a_body_that_is_too_large_is_refused(api):
    answer = api("PUT", "/nodes/ventoux-3/qemu/1001/config", description="x" * 600_000)
    assert (answer.status_code, answer.reason) == (501, "for data too large")


def test_every_node_of_a_site_is_an_endpoint_and_says_which_it_is(site):
    for number, node in enumerate(site.nodes):
        with session_for(site) as session:
            rows = Api(site, session, number).data("GET", "/cluster/status")
        assert [row["name"] for row in rows if row.get("local")] == [node]


def test_the_certificate_is_verified_against_the_labs_own_authority(site):
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            session.get(site.urls[0] + "/api2/json/version")


def test_an_expired_certificate_is_refused_by_clients(lab, site):
    lab.control.expire_certificate("carpentras")
    try:
        with session_for(site) as session, pytest.raises(requests.exceptions.SSLError, match="expired"):
            session.get(site.urls[1] + "/api2/json/version")
    finally:
        lab.control.expire_certificate("carpentras", expired=False)
