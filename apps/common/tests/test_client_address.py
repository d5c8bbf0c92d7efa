"""The client's address behind trusted and other proxies."""

import pytest
from django.test import RequestFactory

from apps.common.http.client_address import client_address, network_of


def request(peer, forwarded=None):
    extra = {"REMOTE_ADDR": peer}
    if forwarded is not None:
        extra["HTTP_X_FORWARDED_FOR"] = forwarded
    return RequestFactory().get("/", **extra)


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "key"),
    [
        (0, "203.0.113.7", None, "203.0.113.7"),
        (0, "203.0.113.7", "198.51.100.1", "203.0.113.7"),
        (1, "10.0.0.2", "198.51.100.1", "198.51.100.1"),
        (1, "10.0.0.2", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        (2, "10.0.0.2", "6.6.6.6, 198.51.100.1, 10.0.0.3", "198.51.100.1"),
        (2, "10.0.0.2", "198.51.100.1", "198.51.100.1"),
        (1, "10.0.0.2", None, "10.0.0.2"),
        (1, "10.0.0.2", "garbage", "10.0.0.2"),
        (1, "10.0.0.2", "6.6.6.6,", "10.0.0.2"),
        (1, "", "198.51.100.1:4711", "198.51.100.1"),
        (1, "", "[2001:db8::1]:4711", "2001:db8::/64"),
        (0, "", None, "unknown"),
        (0, "", "198.51.100.1", "unknown"),
        (0, "::ffff:203.0.113.7", None, "203.0.113.7"),
        (0, "2001:DB8:0:0::0001", None, "2001:db8::/64"),
        (0, "fe80::1%eth0", None, "fe80::/64"),
    ],
)
def test_trusted_proxies_determine_the_client(settings, proxies, peer, forwarded, key):
    settings.TRUSTED_PROXY_COUNT = proxies
    assert client_address(request(peer, forwarded)) == key


@pytest.mark.parametrize(
    ("peer", "key"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("203.0.113.7", "203.0.113.7"),
        ("", "unknown"),
    ],
)
def test_the_key_of_an_ipv6_address_is_its_network(peer, key):
    assert client_address(request(peer)) == key


def test_scopes_and_requests_have_the_same_address(settings):
    scope = {
        "client": ("10.0.0.2", 1),
        "headers": [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"1.2.3.4")],
    }
    assert client_address(scope) == "10.0.0.2"
    settings.TRUSTED_PROXY_COUNT = 1
    assert client_address(scope) == "1.2.3.4"
    assert client_address({"client": None, "headers": []}) == "unknown"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_the_network_of_an_address(address, network):
    assert network_of(address) == network
