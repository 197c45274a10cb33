"""Who keeps a zone by the names of its servers, and the table that says so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import dns_host
from listkeeper.deliverability.dns_host import PARTS, Form

_STORED = tomllib.loads((Path(dns_host.__file__).parent / "dns_hosts.toml").read_text(encoding="utf-8"))

# Servers as zones name them, and who they belong to.
SERVERS = [
    (["ns01.one.com", "ns02.one.com"], "one.com"),
    (["ns1.simply.com", "ns2.simply.com"], "Simply.com"),
    (["ns1.unoeuro.com", "ns2.unoeuro.com"], "Simply.com"),
    (["ns1.gratisdns.dk", "ns2.gratisdns.dk"], "GratisDNS"),
    (["ns45.domaincontrol.com", "ns46.domaincontrol.com"], "GoDaddy"),
    (["clark.ns.cloudflare.com", "mallory.ns.cloudflare.com"], "Cloudflare"),
    (["blue.foundationdns.com", "blue.foundationdns.net"], "Cloudflare"),
    (["ns-1.awsdns-00.com", "ns-9.awsdns-12.net", "ns-3.awsdns-34.org", "ns-4.awsdns-56.co.uk"], "Amazon Route 53"),
    (["ns-cloud-a1.googledomains.com", "ns-cloud-a2.googledomains.com"], "Google Cloud DNS"),
    (["ns1-01.azure-dns.com", "ns2-01.azure-dns.net", "ns4-01.azure-dns.info"], "Azure DNS"),
    (["ns1.digitalocean.com", "ns2.digitalocean.com"], "DigitalOcean"),
    (["helium.ns.hetzner.de", "hydrogen.ns.hetzner.com"], "Hetzner"),
    (["dns10.ovh.net", "ns10.ovh.net"], "OVH"),
    (["ns1045.ui-dns.com", "ns1096.ui-dns.biz", "ns1033.ui-dns.de", "ns1108.ui-dns.org"], "IONOS"),
    (["ns-12-a.gandi.net", "ns-99-b.gandi.net"], "Gandi"),
    (["dns1.registrar-servers.com", "dns2.registrar-servers.com"], "Namecheap"),
    (["docks18.rzone.de", "shades01.rzone.de"], "Strato"),
    (["dns.home.pl", "dns2.home.pl", "dns3.home.pl"], "home.pl"),
    (["ns1.nazwa.pl", "ns2.nazwa.pl"], "nazwa.pl"),
    (["ns1.loopia.se", "ns2.loopia.se"], "Loopia"),
    (["ns1.hyp.net", "ns2.hyp.net", "ns3.hyp.net"], "Domeneshop"),
    (["ns1.reg.ru", "ns2.reg.ru"], "REG.RU"),
    (["ns3-l2.nic.ru", "ns4-cloud.nic.ru"], "RU-CENTER"),
    (["ns1.beget.com", "ns1.beget.pro"], "Beget"),
    (["ns1.timeweb.ru", "ns3.timeweb.org"], "Timeweb"),
    (["dns1.yandex.net", "dns2.yandex.net"], "Yandex"),
    (["dns1.p01.nsone.net", "dns2.p01.nsone.net"], "NS1 / Netlify"),
    (["ns1.vercel-dns.com", "ns2.vercel-dns.com"], "Vercel"),
    (["nsd1.squarespacedns.com", "nsd2.squarespacedns.com"], "Squarespace"),
    (["ns8.wixdns.net", "ns9.wixdns.net"], "Wix"),
    (["curitiba.ns.porkbun.com", "salvador.ns.porkbun.com"], "Porkbun"),
    (["ns1.desec.io", "ns2.desec.org"], "deSEC"),
]


@pytest.mark.parametrize(("servers", "name"), SERVERS)
def test_a_host_is_known_by_its_servers(servers: list[str], name: str) -> None:
    host = dns_host.of(servers)
    assert (host.name, host.known) == (name, True)
    assert dns_host.of([f"{server.upper()}." for server in servers]) == host


@pytest.mark.parametrize(
    "server",
    [
        "ns1.evilone.com",
        "one.com.thief.example",
        "ns.cloudflare.com.thief.example",
        "ns-1.awsdns-00.com.thief.example",
        "ns-1.awsdns.com",
        "ns1.a-googledomains.com",
    ],
)
def test_a_name_that_only_looks_like_one_is_not_taken_for_it(server: str) -> None:
    host = dns_host.of([server])
    assert (host.name, host.known, host.form) == (server, False, Form.ONE_STRING)


def test_an_unknown_host_is_shown_by_its_server_in_the_generic_form() -> None:
    host = dns_host.of(["ns1.somewhere.example.", "ns2.somewhere.example."])
    assert (host.name, host.known, host.form, host.apex) == ("ns1.somewhere.example", False, Form.ONE_STRING, "@")
    assert host.where == ""
    assert dns_host.of([]).name == dns_host.of(["", "."]).name == ""


def test_of_two_hosts_none_is_guessed_but_both_are_named() -> None:
    both = dns_host.of(["ns1.desec.io", "clark.ns.cloudflare.com"])
    assert (both.name, both.known, both.form) == ("deSEC and Cloudflare", False, Form.ONE_STRING)
    with_own = dns_host.of(["ns1.desec.io", "ns1.shop.example"])
    assert (with_own.name, with_own.known, with_own.form) == ("deSEC and ns1.shop.example", False, Form.QUOTED)


def test_the_forms_that_the_reference_names() -> None:
    forms = {host.name: host.form for host in dns_host.hosts()}
    assert {forms[name] for name in ("Cloudflare", "one.com", "Simply.com", "GoDaddy")} == {Form.ONE_STRING}
    assert forms["Amazon Route 53"] is Form.QUOTED


def test_the_table_is_in_order() -> None:
    hosts = dns_host.hosts()
    assert len({host.name for host in hosts}) == len(hosts) == len(_STORED["hosts"]) >= 40
    endings = [ending for entry in _STORED["hosts"] for ending in entry["ns"]]
    assert len(set(endings)) == len(endings)
    assert [ending for ending in endings if not re.fullmatch(r"[a-z0-9*-]+(\.[a-z0-9*-]+)+", ending)] == []
    # No ending lies inside that of another row: the order of the rows decides nothing.
    assert [(one, other) for one in endings for other in endings if one.endswith(f".{other}")] == []
    assert {part for host in hosts for part in host.fields} <= set(PARTS)
    assert [
        host.name for host in hosts if host.fields and not {"type", "name", "value", "ttl"} <= set(host.fields)
    ] == []
    assert set(_STORED["generic"]) == {"form", "apex"}
    known = {"name", "ns", "form", "apex", "fields", "where"}
    assert {key for entry in _STORED["hosts"] for key in entry} <= known


def test_where_is_said_in_one_sentence() -> None:
    assert (
        dns_host.of(["a.ns.cloudflare.com"]).where == "In the control panel of Cloudflare: DNS → Records → Add record."
    )


@given(st.lists(st.text(max_size=30), max_size=4))
def test_any_names_have_an_answer(servers: list[str]) -> None:
    host = dns_host.of(servers)
    assert (
        host.known or host.form is Form.ONE_STRING or host.name.startswith(tuple(one.name for one in dns_host.hosts()))
    )
