"""The order in which endpoints are tried."""

from __future__ import annotations

from provisioner.pve.endpoints import Endpoints


def test_the_estate_s_order_is_followed_until_one_fails():
    endpoints = Endpoints("abc", aside_seconds=60)
    assert endpoints.order() == ("a", "b", "c")
    endpoints.failed("a", "refused")
    assert endpoints.order() == ("b", "c", "a")


def test_the_one_that_answered_stays_the_first():
    endpoints = Endpoints("abc", aside_seconds=60)
    endpoints.failed("a", "refused")
    endpoints.answered("c")
    assert endpoints.order() == ("c", "b", "a")


def test_those_set_aside_come_last_the_longest_ago_first():
    endpoints = Endpoints("abc", aside_seconds=60)
    for url in ("b", "a", "c"):
        endpoints.failed(url, "refused")
    assert endpoints.order() == ("b", "a", "c")


def test_after_a_while_a_failed_one_has_its_old_place_again():
    endpoints = Endpoints("abc", aside_seconds=0)
    endpoints.failed("a", "refused")
    assert endpoints.order() == ("a", "b", "c")
