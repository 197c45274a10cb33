"""A network is an IPv4 address or the /64 of an IPv6 address, read from the trusted hop alone."""

from __future__ import annotations

import pytest
from flask import Flask, Request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import EnvironBuilder

from listkeeper.web import network


def _request(remote: str | None, **headers: str) -> Request:
    environ = EnvironBuilder(headers=[(name.replace("_", "-"), value) for name, value in headers.items()]).get_environ()
    if remote is None:
        environ.pop("REMOTE_ADDR", None)
    else:
        environ["REMOTE_ADDR"] = remote
    return Request(environ)


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", None),
        ("", None),
        (None, None),
    ],
)
def test_network_of_an_address(remote: str | None, expected: str | None) -> None:
    assert network.of(_request(remote)) == expected


def test_a_forged_header_changes_nothing_without_a_proxy() -> None:
    assert network.of(_request("192.0.2.7", X_Forwarded_For="203.0.113.9")) == "192.0.2.7"


@pytest.mark.parametrize("forged", ["203.0.113.9", "203.0.113.9, 203.0.113.10", "2001:db8::1"])
def test_one_trusted_proxy_is_believed_about_its_own_client_only(forged: str) -> None:
    app = Flask(__name__)
    seen: list[str | None] = []

    @app.get("/")
    def show() -> str:
        from flask import request  # noqa: PLC0415 - the request of this app

        seen.append(network.of(request))
        return ""

    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    app.test_client().get("/", headers={"X-Forwarded-For": f"{forged}, 198.51.100.4"})
    assert seen == ["198.51.100.4"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Origin": "https://shop.example"}, "https://shop.example"),
        ({"Origin": "null", "Referer": "https://shop.example/page?q=1"}, "https://shop.example"),
        ({"Referer": "https://shop.example/a/secret"}, "https://shop.example"),
        ({"Origin": "javascript:alert(1)"}, None),
        ({}, None),
    ],
)
def test_only_scheme_and_host_of_the_posting_page_are_kept(headers: dict[str, str], expected: str | None) -> None:
    assert network.origin_of(_request("192.0.2.7", **headers)) == expected
