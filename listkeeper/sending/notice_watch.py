"""The watch over what was promised in status notices: an update that does not come is told to the owners, once.

Each update makes a promise of its own, so what is told about one says nothing
about the next. The incident stands for as long as any promise is overdue.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import status_notice
from listkeeper.campaigns.status_notice import NoticeState, StatusNotice
from listkeeper.foundation import clock
from listkeeper.sending import incident, planning, watch_words
from listkeeper.sending.incident import Incident, IncidentKind

_KIND = IncidentKind.NOTICE_OVERDUE


def is_anything_due(session: Session, organisation: Organisation) -> bool:
    """Return whether a look would find anything: most minutes nothing is overdue, and nothing is told that is over."""
    query = select(StatusNotice.id).where(
        StatusNotice.organisation_id == organisation.id,
        StatusNotice.state == NoticeState.OPEN,
        StatusNotice.next_update_at <= clock.now(),
    )
    return session.scalars(query.limit(1)).first() is not None or bool(incident.kinds_standing(session, [_KIND])[_KIND])


def look(session: Session, organisation: Organisation) -> Incident | None:
    """Tell the owners of promises that nobody has told them of; return the incident if they were told now."""
    moment = clock.now()
    late = status_notice.overdue(session, organisation, moment)
    if not late:
        incident.over(session, _KIND)
        return None
    news = [notice for notice in late if notice.alarmed_at is None]
    for notice in news:
        notice.alarmed_at = moment
    first = late[0]
    since = moment - (first.next_update_at or moment)
    facts = {"number": len(late), "title": first.title, "minutes": max(int(since.total_seconds() // 60), 1)}
    stands = incident.report(session, _KIND, watch_words.said(_KIND, facts), facts)
    session.flush()
    if not news:
        return None
    stands.told_at = moment
    planning.mail_incident(session, organisation, stands)
    return stands
