"""What an audit knows and may ask beside the records of a domain: other doors, and how mail leaves.

The DNS is asked through a resolver. The policy file of MTA-STS lies on a web
server, and what each name server says can only be asked of that server.
"""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.deliverability.link_audit import Links
from listkeeper.foundation.fetch import PageReader
from listkeeper.standards.dns_authority import Connect


@dataclass(frozen=True)
class Surroundings:
    """The doors of this process, and how its mail leaves.

    Without a ``reader`` no web server is asked, and without ``connect`` no
    name server by itself, as where one was named to ask. ``through_relay``
    says that mail is handed to somebody else's server, whose address receivers
    see. An address that is named for us (``egress``) counts more than that:
    its name is checked, whoever rents it out. ``ehlo`` is the name our server
    greets receivers with, ``links`` is where the links of our letters lead;
    each is None where that is not known.
    """

    reader: PageReader | None = None
    connect: Connect | None = None
    through_relay: bool = False
    ehlo: str | None = None
    links: Links | None = None


NOTHING_KNOWN = Surroundings()
