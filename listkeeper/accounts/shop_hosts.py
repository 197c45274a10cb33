"""The hosts of the owner's shop: counted links to them may carry a mark, so that an order can name its letter.

Only hosts that the owner names: a mark on somebody else's pages would tell them
of our readers, and some pages do not open with a word they do not know.
"""

from __future__ import annotations

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import web_origin

MOST = 20


def of(organisation: Organisation) -> list[str]:
    """Return the hosts, as they stand in addresses (small letters, punycode)."""
    return organisation.shop_hosts.split()


def choose(organisation: Organisation, typed: str, *, marks: bool) -> None:
    """Store the hosts, one a line or parted by spaces, and whether links to them are marked.

    Raises Invalid and changes nothing when one is no host, there are too many, or there is none to be marked.
    """
    hosts = list(dict.fromkeys(_host(each) for each in typed.replace(",", " ").split()))
    if len(hosts) > MOST:
        sentence = language.text("These are more than %(most)s hosts. Nothing was changed.", most=MOST)
        raise Invalid("too_many_hosts", sentence)
    if marks and not hosts:
        sentence = language.text("Name the host of your shop first, for example shop.example. Nothing was changed.")
        raise Invalid("no_shop_host", sentence)
    organisation.shop_hosts, organisation.marks_shop_links = " ".join(hosts), marks


def _host(typed: str) -> str:
    return web_origin.parse(typed).partition("://")[2].partition(":")[0]
