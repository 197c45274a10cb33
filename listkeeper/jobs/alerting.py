"""Alerting: what the watch has told the owners of is posted to a web server of theirs, signed, until it is taken.

It runs in the timetable's own process, as the watch does: that no worker lives
is what it may have to say. It is tried again at every look, a minute apart, for
as long as it is news; a server that does not answer costs each look a few seconds.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.foundation import clock, language, log
from listkeeper.foundation.fetch import Answer, Line, NotSent, Unanswered
from listkeeper.sending import alert
from listkeeper.sending.alert import Alert
from listkeeper.standards import webhook

_SECONDS = 3.0
_TAKEN = range(200, 300)
_log = log.get(__name__)


def tell() -> None:
    """Post what is due; the first that is not taken ends it, and it begins with that one at the next look."""
    settings = parts.settings()
    if settings.alert_url is None:
        return
    with store.reading() as session:
        owner = organisation.maybe_one(session)
        with language.using(owner.language if owner is not None else None):
            due = alert.due(session, settings.site)
    if not due:
        return
    where = urlsplit(settings.alert_url)
    line = parts.line(f"{where.scheme}://{where.netloc}", seconds=_SECONDS)
    path = f"{where.path or '/'}{f'?{where.query}' if where.query else ''}"
    for one in due:
        # A line of its own for each: they are rare, and not every server of one's own keeps a line in order.
        try:
            if not _post(line, path, one):
                return
        finally:
            line.close()


def _post(line: Line, path: str, one: Alert) -> bool:
    key = webhook.key(parts.settings().alert_secret or "")
    signed = webhook.headers(key, one.name, int(clock.now().timestamp()), one.body)
    usual = {"Content-Type": "application/json", "User-Agent": "listkeeper-alert"}
    match line.post(path, one.body, usual | signed):
        case Answer(status) if status in _TAKEN:
            with store.transaction() as session:
                alert.taken(session, one)
            _log.info("alert.taken", alert=one.name)
            return True
        case Answer(status):
            _log.warning("alert.refused", alert=one.name, status=status)
        case NotSent(reason) | Unanswered(reason):
            _log.warning("alert.not_taken", alert=one.name, reason=reason)
    return False
