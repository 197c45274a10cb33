"""A domain as a DNS server shows it: one right zone, and wrong ones with the code that has to name each."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from listkeeper.deliverability.dkim_key import OurKey
from listkeeper.deliverability.finding import Severity
from listkeeper.standards import dkim_key_record

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
IP = "192.0.2.10"
DOMAIN = "shop.example"


def published(private: RSAPrivateKey) -> OurKey:
    """Return a key as its owner publishes it."""
    public = dkim_key_record.public_half(private)
    return OurKey("lk1", dkim_key_record.record_for(private), dkim_key_record.fingerprint(public))


PRIVATE = rsa.generate_private_key(65537, 2048)
OURS = published(PRIVATE)
OTHER = published(rsa.generate_private_key(65537, 2048))
K1024 = published(rsa.generate_private_key(65537, 1024)).record  # noqa: S505 - too short is the point
# 512 bits: no library makes such a key today, and old zones still hold them.
K512 = (
    "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALgSoqXVSEmfcIsOzw7oRuCCOwsmtX/SJnTWxYyj2leFxfS/AVJ+"
    "dYfY+hXqMsT7l+MZvvh/R1WzN4MO/kI/7XsCAwEAAQ=="
)

Zone = dict[str, dict[str, list[str]]]


def zone(
    spf_record: list[str] | None = None, key: list[str] | None = None, more: Zone | None = None, **apex: list[str]
) -> Zone:
    """Return a right zone with what the test changes in it; an empty list takes a record out."""
    txt = [f"v=spf1 mx ip4:{IP} -all"] if spf_record is None else spf_record
    records: Zone = {
        DOMAIN: {"TXT": [*txt, "site-verification=x"], "MX": ["10 mx.shop.example"], "A": ["192.0.2.80"], **apex},
        "mx.shop.example": {"A": ["192.0.2.25"]},
        "out.shop.example": {"A": [IP], "TXT": ["v=spf1 a -all"]},
        "10.2.0.192.in-addr.arpa": {"PTR": ["out.shop.example"]},
        f"lk1._domainkey.{DOMAIN}": {"TXT": [OURS.record] if key is None else key},
        f"_dmarc.{DOMAIN}": {"TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@shop.example"]},
        **(more or {}),
    }
    return {
        name: {kind: found for kind, found in at.items() if found} for name, at in records.items() if any(at.values())
    }


@dataclass(frozen=True)
class Wrong:
    """A zone, and the only finding of severity ERROR, BLOCK or WARN it must have."""

    zone: Zone
    code: str
    severity: Severity
    mend: str = ""
    # What the command is told about how mail leaves, where that makes the zone wrong.
    options: tuple[str, ...] = ()


def dmarc(text: str) -> Zone:
    """Return a right zone with another DMARC record."""
    return zone(more=dmarc_at(text))


def dmarc_at(text: str) -> Zone:
    """Return the DMARC record alone."""
    return {f"_dmarc.{DOMAIN}": {"TXT": [text]}}


_MANY = " ".join(f"include:s{number}.example" for number in range(10))
EIGHT = " ".join(f"include:s{number}.example" for number in range(7))
INCLUDED: Zone = {f"s{number}.example": {"TXT": ["v=spf1 ip4:198.51.100.1 ?all"]} for number in range(10)}
_WITHOUT_P = base64.b64encode(b"no key at all").decode()

WRONG = {
    "no SPF record": Wrong(zone([]), "S1", Severity.BLOCK, f"v=spf1 mx ip4:{IP} ~all"),
    "two SPF records": Wrong(
        zone(["v=spf1 mx -all", "v=spf1 include:s1.example -all"], more=INCLUDED),
        "S1",
        Severity.BLOCK,
        f"v=spf1 include:s1.example mx ip4:{IP} -all",
    ),
    "SPF syntax error": Wrong(zone([f"v=spf1 mx ipv4:{IP} -all"]), "S5", Severity.ERROR, f"v=spf1 mx ip4:{IP} -all"),
    "SPF include without a record": Wrong(zone([f"v=spf1 ip4:{IP} include:gone.example -all"]), "S5", Severity.ERROR),
    "SPF include loop": Wrong(
        zone(
            [f"v=spf1 ip4:{IP} include:round.example -all"],
            more={"round.example": {"TXT": ["v=spf1 include:shop.example -all"]}},
        ),
        "S5",
        Severity.ERROR,
    ),
    "too many SPF look-ups": Wrong(zone([f"v=spf1 mx ip4:{IP} {_MANY} -all"], more=INCLUDED), "S2a", Severity.BLOCK),
    "nearly too many SPF look-ups": Wrong(
        zone([f"v=spf1 mx ip4:{IP} {EIGHT} -all"], more=INCLUDED), "S2b", Severity.WARN
    ),
    "too many void SPF look-ups": Wrong(
        zone([f"v=spf1 ip4:{IP} a:v1.example a:v2.example mx:v3.example -all"]), "S3", Severity.ERROR
    ),
    "too many MX hosts in SPF": Wrong(
        zone(
            [f"v=spf1 ip4:{IP} mx:big.example -all"],
            more={"big.example": {"MX": [f"{n} h{n}.example" for n in range(11)]}},
        ),
        "S3",
        Severity.ERROR,
    ),
    "SPF lets everyone pass": Wrong(
        zone([f"v=spf1 mx ip4:{IP} +all"]), "S4b", Severity.BLOCK, f"v=spf1 mx ip4:{IP} ~all"
    ),
    "SPF says nothing of others": Wrong(
        zone([f"v=spf1 mx ip4:{IP}"]), "S4a", Severity.WARN, f"v=spf1 mx ip4:{IP} ~all"
    ),
    "SPF neutral": Wrong(zone([f"v=spf1 mx ip4:{IP} ?all"]), "S4a", Severity.WARN, f"v=spf1 mx ip4:{IP} ~all"),
    "SPF terms after all": Wrong(zone([f"v=spf1 ip4:{IP} -all mx"]), "S4c", Severity.WARN, f"v=spf1 ip4:{IP} -all"),
    "SPF ptr": Wrong(zone([f"v=spf1 ip4:{IP} ptr -all"]), "S4d", Severity.WARN),
    "SPF redirect beside all": Wrong(
        zone([f"v=spf1 ip4:{IP} -all redirect=s1.example"], more=INCLUDED),
        "S4e",
        Severity.WARN,
        f"v=spf1 ip4:{IP} -all",
    ),
    "SPF does not know our address": Wrong(zone(["v=spf1 mx -all"]), "G1", Severity.BLOCK, f"v=spf1 mx ip4:{IP} -all"),
    "DKIM key missing": Wrong(zone(key=[]), "K1", Severity.ERROR, OURS.record),
    "DKIM key withdrawn": Wrong(zone(key=["v=DKIM1; k=rsa; p="]), "K1a", Severity.ERROR, OURS.record),
    "DKIM key damaged": Wrong(zone(key=[OURS.record[:-5]]), "K1", Severity.ERROR, OURS.record),
    "DKIM key of nobody": Wrong(zone(key=[f"v=DKIM1; p={_WITHOUT_P}"]), "K1", Severity.ERROR, OURS.record),
    "DKIM key of another": Wrong(zone(key=[OTHER.record]), "K3", Severity.BLOCK, OURS.record),
    "several DKIM keys": Wrong(zone(key=[OURS.record, OTHER.record]), "K1d", Severity.ERROR, OURS.record),
    "DKIM key in testing": Wrong(
        zone(key=[OURS.record.replace("k=rsa", "k=rsa; t=y")]), "K1b", Severity.WARN, OURS.record
    ),
    "no DMARC record": Wrong(zone(more={"_dmarc.shop.example": {}}), "D1", Severity.ERROR, "v=DMARC1; p=none"),
    "two DMARC records": Wrong(
        zone(more={"_dmarc.shop.example": {"TXT": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}}), "D2", Severity.ERROR
    ),
    "MX that leads nowhere": Wrong(zone([f"v=spf1 ip4:{IP} -all"], MX=["10 gone.example"]), "X1d", Severity.ERROR),
    "no name for our address": Wrong(zone(more={"10.2.0.192.in-addr.arpa": {}}), "G3", Severity.ERROR),
    "a name that leads elsewhere": Wrong(
        zone(more={"10.2.0.192.in-addr.arpa": {"PTR": ["mx.shop.example"]}}), "G3a", Severity.ERROR
    ),
    "DMARC policy none": Wrong(
        dmarc("v=DMARC1; p=none; rua=mailto:dmarc@shop.example"),
        "D4",
        Severity.WARN,
        "v=DMARC1; p=quarantine; rua=mailto:dmarc@shop.example",
    ),
    "DMARC record with a part that cannot be read": Wrong(
        dmarc("v=DMARC1; p=reject; adkim=x; rua=mailto:dmarc@shop.example"), "D3c", Severity.ERROR
    ),
    "DMARC record that nobody reads": Wrong(
        dmarc("v=dmarc1; p=reject; rua=mailto:dmarc@shop.example"),
        "D3d",
        Severity.ERROR,
        "v=DMARC1; p=reject; rua=mailto:dmarc@shop.example",
    ),
    "DMARC record of a registry": Wrong(
        dmarc("v=DMARC1; p=reject; psd=y; rua=mailto:dmarc@shop.example"), "D4d", Severity.ERROR
    ),
    "DMARC reports to nobody": Wrong(dmarc("v=DMARC1; p=reject"), "D5", Severity.WARN),
    "DMARC reports to a stranger": Wrong(
        dmarc("v=DMARC1; p=reject; rua=mailto:d@reports.test"), "D5a", Severity.WARN, "v=DMARC1"
    ),
    "null MX": Wrong(zone([f"v=spf1 ip4:{IP} -all"], MX=["0 ."]), "X1a", Severity.ERROR),
    "no MX": Wrong(zone([f"v=spf1 ip4:{IP} -all"], MX=[]), "X1b", Severity.WARN),
    "no MX and no address": Wrong(zone([f"v=spf1 ip4:{IP} -all"], MX=[], A=[]), "X1c", Severity.ERROR),
    "no such domain": Wrong({}, "X1", Severity.ERROR),
}

_RELAY: Zone = {"relay.example": {"TXT": [f"v=spf1 ip4:{IP} -all"], "MX": ["10 mx.shop.example"]}}
_STRICT = "v=DMARC1; p=reject; adkim=s; aspf=s; rua=mailto:dmarc@shop.example"
_BOUNCE: Zone = {"bounce.shop.example": {"TXT": [f"v=spf1 ip4:{IP} -all"], "MX": ["10 mx.shop.example"]}}

# Where listkeeper signs with no key of its own, and the command says how mail leaves.
WRONG_AS_SENT = {
    "DMARC policy that cannot be read": Wrong(
        dmarc("v=DMARC1; p=rejekt; rua=mailto:dmarc@shop.example"), "D3b", Severity.ERROR
    ),
    "DKIM key of 512 bits": Wrong(
        zone(more={f"s2025._domainkey.{DOMAIN}": {"TXT": [K512]}}),
        "K2",
        Severity.BLOCK,
        options=("--selector", "s2025"),
    ),
    "DKIM key of a selector that is gone": Wrong(zone(), "K1", Severity.ERROR, options=("--selector", "gone")),
    "envelope of somebody else": Wrong(
        zone(more=_RELAY), "G2", Severity.BLOCK, options=("--mail-from", "b+1@relay.example")
    ),
    "envelope of a sub-domain where DMARC is strict": Wrong(
        zone(more=_BOUNCE | dmarc_at(_STRICT)), "G2", Severity.BLOCK, options=("--mail-from", "b+1@bounce.shop.example")
    ),
    "envelope without SPF": Wrong(
        zone(more={"bounce.shop.example": {"MX": ["10 mx.shop.example"]}}),
        "S1",
        Severity.BLOCK,
        f"v=spf1 mx ip4:{IP} ~all",
        ("--mail-from", "b+1@bounce.shop.example"),
    ),
    "address of a connection at home": Wrong(
        zone(
            more={
                "10.2.0.192.in-addr.arpa": {"PTR": ["192-0-2-10.dsl.example"]},
                "192-0-2-10.dsl.example": {"A": [IP], "TXT": ["v=spf1 a -all"]},
            }
        ),
        "G3b",
        Severity.WARN,
    ),
}
