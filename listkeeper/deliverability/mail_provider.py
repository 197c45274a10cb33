"""Mailbox providers: who stands behind a mail domain, by its name or by its MX hosts.

Pure tables. A name alone answers for the providers that people write in their
addresses (gmail.com); for a domain of one's own the MX hosts say who keeps its
mail (Google Workspace, a gateway, a host). Whoever is in no table is known by
the domain of its best MX host, so that two small hosts are never taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

OTHER = "other"
# As long as the columns that keep it.
LONGEST = 24


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider: its name for people, the domains of its addresses, and how its MX hosts end."""

    name: str
    domains: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    # A gateway reads the mail and passes it on: what the reader's own mailbox is, nobody sees.
    gateway: bool = False


# Names as the providers publish them. A gap mixes nobody up: who is missing here is called by its own MX domain.
TABLE: dict[str, Provider] = {
    "gmail": Provider("Gmail", ("gmail.com", "googlemail.com")),
    "google_workspace": Provider("Google Workspace", (), ("google.com", "googlemail.com")),
    "microsoft": Provider("Microsoft", ("msn.com", "windowslive.com", "passport.com"), ("olc.protection.outlook.com",)),
    "microsoft365": Provider(
        "Microsoft 365", (), ("mail.protection.outlook.com", "mail.eo.outlook.com", "mx.microsoft")
    ),
    "yahoo": Provider("Yahoo", ("aol.com", "aim.com", "ymail.com", "rocketmail.com", "myyahoo.com"), ("yahoodns.net",)),
    "apple": Provider("Apple iCloud", ("icloud.com", "me.com", "mac.com"), ("icloud.com", "apple.com")),
    # Germany, Austria, Switzerland
    "gmx": Provider(
        "GMX and web.de",
        ("gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "gmx.eu", "gmx.org", "gmx.info", "web.de", "mail.com"),
        ("gmx.net", "web.de", "mail.com"),
    ),
    "ionos": Provider("IONOS", ("online.de",), ("ionos.de", "ionos.com", "kundenserver.de", "1and1.com")),
    "t_online": Provider("T-Online", ("t-online.de", "magenta.de"), ("t-online.de",)),
    "freenet": Provider("freenet", ("freenet.de",), ("freenet.de",)),
    "vodafone_de": Provider("Vodafone", ("arcor.de", "vodafone.de", "kabelmail.de"), ("vodafonemail.de", "arcor.de")),
    "strato": Provider("Strato", (), ("rzone.de",)),
    "posteo": Provider("Posteo", ("posteo.de", "posteo.net"), ("posteo.de",)),
    "mailbox_org": Provider("mailbox.org", ("mailbox.org",), ("mailbox.org",)),
    "hetzner": Provider("Hetzner", (), ("your-server.de",)),
    "all_inkl": Provider("ALL-INKL", (), ("kasserver.com",)),
    "bluewin": Provider("Bluewin", ("bluewin.ch",), ("bluewin.ch",)),
    "infomaniak": Provider("Infomaniak", (), ("infomaniak.ch", "infomaniak.com")),
    # Denmark, Norway, Sweden
    "one_com": Provider("one.com", (), ("one.com",)),
    "simply": Provider("Simply.com", (), ("simply.com", "unoeuro.com")),
    "yousee": Provider(
        "YouSee",
        ("yousee.dk", "youseemail.dk", "youmail.dk", "mail.dk", "mail.tele.dk", "post.tele.dk", "get2net.dk"),
        ("yousee.dk", "tele.dk", "tdc.dk", "tdc.net"),
    ),
    "stofa": Provider("Stofa", ("stofanet.dk",), ("stofanet.dk",)),
    "dandomain": Provider("DanDomain", (), ("dandomain.dk", "scannet.dk")),
    "domeneshop": Provider("Domeneshop", (), ("domeneshop.no", "domainname.shop")),
    "online_no": Provider("Telenor", ("online.no", "frisurf.no"), ("online.no", "telenor.net")),
    "loopia": Provider("Loopia", (), ("loopia.se",)),
    "telia": Provider("Telia", ("telia.com", "home.se"), ("telia.com", "telia.net")),
    "bredband": Provider("Bredband", ("bredband.net", "comhem.se", "tele2.se"), ("bredband.net", "comhem.se")),
    "spray": Provider("Spray", ("spray.se", "passagen.se"), ("spray.se",)),
    # Poland
    "wp_pl": Provider("Wirtualna Polska", ("wp.pl",), ("wp.pl",)),
    "o2_pl": Provider("o2.pl", ("o2.pl", "tlen.pl", "go2.pl", "prokonto.pl"), ("o2.pl", "tlen.pl", "go2.pl")),
    "onet": Provider(
        "Onet", ("onet.pl", "op.pl", "poczta.onet.pl", "onet.eu", "vp.pl", "onet.com.pl"), ("onet.pl", "op.pl")
    ),
    "interia": Provider(
        "Interia", ("interia.pl", "interia.eu", "interia.com", "poczta.fm", "intmail.pl"), ("interia.pl",)
    ),
    "gazeta": Provider("Gazeta.pl", ("gazeta.pl",), ("gazeta.pl",)),
    "home_pl": Provider("home.pl", (), ("home.pl",)),
    "nazwa": Provider("nazwa.pl", (), ("nazwa.pl",)),
    # Russia and its neighbours
    "mail_ru": Provider("Mail.ru", ("mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru"), ("mail.ru",)),
    "yandex": Provider(
        "Yandex",
        ("yandex.ru", "ya.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.ua", "narod.ru"),
        ("yandex.ru", "yandex.net"),
    ),
    "rambler": Provider("Rambler", ("rambler.ru", "lenta.ru", "autorambler.ru", "ro.ru"), ("rambler.ru",)),
    "ukr_net": Provider("ukr.net", ("ukr.net",), ("ukr.net",)),
    # The rest of Europe, and mailboxes for people everywhere
    "seznam": Provider("Seznam", ("seznam.cz", "email.cz", "post.cz"), ("seznam.cz",)),
    "orange_fr": Provider("Orange", ("orange.fr", "wanadoo.fr"), ("orange.fr",)),
    "laposte": Provider("La Poste", ("laposte.net",), ("laposte.net",)),
    "free_fr": Provider("Free", ("free.fr",), ("free.fr",)),
    "sfr": Provider("SFR", ("sfr.fr", "neuf.fr"), ("sfr.fr",)),
    "ovh": Provider("OVH", (), ("ovh.net",)),
    "libero": Provider("Libero", ("libero.it", "virgilio.it"), ("libero.it",)),
    "proton": Provider("Proton", ("proton.me", "protonmail.com", "pm.me"), ("protonmail.ch", "proton.ch")),
    "fastmail": Provider("Fastmail", ("fastmail.com", "fastmail.fm"), ("messagingengine.com",)),
    "zoho": Provider("Zoho", ("zoho.com", "zohomail.eu"), ("zoho.com", "zoho.eu", "zohomail.com")),
    "comcast": Provider("Comcast", ("comcast.net",), ("comcast.net",)),
    "tencent": Provider("QQ", ("qq.com", "foxmail.com"), ("qq.com",)),
    "docomo": Provider("NTT Docomo", ("docomo.ne.jp",), ("docomo.ne.jp",)),
    "kddi": Provider("au by KDDI", ("ezweb.ne.jp", "au.com"), ("ezweb.ne.jp", "au.com")),
    "amazon": Provider("Amazon WorkMail", (), ("amazonaws.com",)),
    "godaddy": Provider("GoDaddy", (), ("secureserver.net",)),
    # Gateways
    "mimecast": Provider("Mimecast", (), ("mimecast.com", "mimecast.co.za", "mimecast-offshore.com"), gateway=True),
    "proofpoint": Provider("Proofpoint", (), ("pphosted.com", "ppe-hosted.com"), gateway=True),
    "barracuda": Provider("Barracuda", (), ("barracudanetworks.com",), gateway=True),
    "cisco": Provider("Cisco", (), ("iphmx.com",), gateway=True),
    "messagelabs": Provider("Symantec.cloud", (), ("messagelabs.com",), gateway=True),
    "trend_micro": Provider("Trend Micro", (), ("trendmicro.com", "trendmicro.eu"), gateway=True),
    "hornetsecurity": Provider("Hornetsecurity", (), ("hornetsecurity.com", "antispameurope.com"), gateway=True),
    "spamexperts": Provider("SpamExperts", (), ("antispamcloud.com", "spamexperts.com"), gateway=True),
    "sophos": Provider("Sophos", (), ("sophos.com", "reflexion.net"), gateway=True),
    "forcepoint": Provider("Forcepoint", (), ("mailcontrol.com",), gateway=True),
    "comendo": Provider("Comendo", (), ("comendosystems.com", "comendosystems.net"), gateway=True),
    "heimdal": Provider("Heimdal", (), ("heimdalsecurity.com",), gateway=True),
}  # fmt: skip
# Names sold in most countries. "live" and "outlook" are words that others use too, so their endings are listed.
_IN_MANY_COUNTRIES = (
    (re.compile(r"(?:yahoo|aol)\.[a-z]{2,3}(?:\.[a-z]{2})?"), "yahoo"),
    (re.compile(r"hotmail\.[a-z]{2,3}(?:\.[a-z]{2})?"), "microsoft"),
    (
        re.compile(
            r"(?:outlook|live)\.(?:com|dk|no|se|fi|nl|be|de|at|fr|it|es|pt|ie|cz|hu|sk|lv|in|jp|kr|ca|cl|cn|ru|ph|sa|sg|"
            r"co\.(?:uk|id|il|th|za)|com\.(?:ar|au|br|gr|mx|my|pt|tr|vn))"
        ),
        "microsoft",
    ),
)
_BY_NAME = {domain: key for key, provider in TABLE.items() for domain in provider.domains}
_BY_MX = {ending: key for key, provider in TABLE.items() for ending in provider.mx}
# Second levels under which names are sold, as in co.uk and com.pl.
_SHARED = frozenset({"co", "com", "net", "org", "gov", "edu", "ac", "ne", "or"})


def of_domain(domain: str) -> str | None:
    """Return the provider of an address's domain by its name alone; None when only its MX hosts can tell."""
    domain = domain.lower().rstrip(".")
    known = _BY_NAME.get(domain)
    if known is not None:
        return known
    return next((key for shape, key in _IN_MANY_COUNTRIES if shape.fullmatch(domain)), None)


def of_host(host: str) -> str | None:
    """Return the provider that an MX host belongs to, None when it is in no table."""
    labels = host.lower().rstrip(".").split(".")
    endings = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return next((_BY_MX[ending] for ending in endings if ending in _BY_MX), None)


def of_hosts(hosts: Sequence[str]) -> str:
    """Return who keeps the mail of a domain by its MX hosts, best first: a name of the table, or the host's domain."""
    best = of_host(hosts[0])
    if best == "google_workspace" and any(of_host(host) != best for host in hosts):
        # What stands in for Google shows that somebody reads the mail in between.
        best = None
    return best or own_domain(hosts[0])


def own_domain(host: str) -> str:
    """Return the domain that a host stands in: its last two labels, or three where two are shared (``co.uk``)."""
    labels = host.lower().rstrip(".").split(".")
    shared = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SHARED  # noqa: PLR2004 - dk, uk, pl
    return ".".join(labels[-3 if shared else -2 :])


def kind(provider: str | None) -> str:
    """Return the provider as a name of the table, or ``other``."""
    return provider if provider in TABLE else OTHER


def name(provider: str) -> str | None:
    """Return what people call a provider; None for one that is in no table."""
    return TABLE[provider].name if provider in TABLE else None
