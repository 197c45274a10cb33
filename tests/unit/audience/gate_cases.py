"""What the gate must say, case by case: each clause has a case on either side of it.

A case starts from somebody whom the gate grants, changes one thing, and names the verdict.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from listkeeper.audience import suppression
from listkeeper.audience.consent import Method
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.subscription import Basis, Frequency, SubscriptionState
from tests.unit.audience.gate_import_scene import another_batch, claimed, taken_back
from tests.unit.audience.gate_notice_cases import NO_GUEST, NOTICES, STATES, Row
from tests.unit.audience.gate_scene import (
    CITED,
    CLAIMED,
    MOMENT,
    Arrange,
    Case,
    Scene,
    ago,
    before,
    both,
    later,
    ledger_row,
    no_ledger,
    nothing,
    now,
    on_another_list,
    put,
    said,
    seen_by_ledger,
    somebody_else_suppressed,
    suppressed,
    under_law,
    with_text,
)

_NORDIC = {"email_send": "frøja@guest.example"}
_FAR = datetime(9999, 12, 31, tzinfo=UTC)
_TWO_YEARS_AGO = datetime(2024, 11, 23, 8, tzinfo=UTC)
_INVENTED = both(put("person", demo=True), put("current", ledger_seq=None), with_text(ledger_seq=None))

_TOPICS: tuple[Row, ...] = (
    ("about a topic, none chosen", CITED, said(topic="top_bread")),
    ("about the topic she chose", CITED, both(said(topic="top_bread"), put("current", topics=["top_bread"]))),
    ("about one of the topics she chose", CITED,
     both(said(topic="top_bread"), put("current", topics=["top_cake", "top_bread"]))),
    ("about a topic she did not choose", "other_topic",
     both(said(topic="top_bread"), put("current", topics=["top_cake"]))),
    ("about a topic she did not choose, and important", "other_topic",
     both(said(topic="top_bread", important=True), put("current", topics=["top_cake"]))),
    ("about no topic, some chosen", CITED, put("current", topics=["top_cake"])),
)  # fmt: skip

_WHO: tuple[Row, ...] = (
    ("somebody on the list", CITED, nothing),
    ("never on this list", "no_basis", on_another_list),
    ("erased", "erased", put("person", erased_at=now)),
    ("restricted", "restricted", put("person", restricted_at=now)),
    ("restricted, then erased", "erased", put("person", restricted_at=now, erased_at=now)),
    ("erased, and off the list", "erased",
     both(put("person", erased_at=now), put("current", state=SubscriptionState.UNSUBSCRIBED))),
    ("erased, and never on this list", "erased", both(on_another_list, put("person", erased_at=now))),
    ("erased while it waited", "erased", said(subscriber_id=None)),
    ("nobody there", "erased", said(subscriber_id=NO_GUEST)),
    ("no list named", "list_inactive", said(list_id=None)),
    ("no such list", "list_inactive", said(list_id=NO_GUEST)),
    ("nothing named at all", "list_inactive", said(list_id=None, subscriber_id=None)),
    ("of another organisation", "gate_error", said(organisation_id=2)),
    ("of another organisation, on no list", "gate_error", said(organisation_id=2, list_id=None)),
    ("of another organisation's list", "gate_error", said(organisation_id=2, subscriber_id=None)),
    ("invented for the demo", "invented", _INVENTED),
    ("invented, in practice", CITED, both(_INVENTED, said(practice=True))),
    ("invented, under a text never published", "text_unpublished",
     both(_INVENTED, put("current", consent_text_id=None), said(practice=True))),
    ("real, in practice", CITED, said(practice=True)),
    ("beyond ASCII", "transport_no_smtputf8", put("person", **_NORDIC)),
    ("beyond ASCII, and carried", "frøja@guest.example cited",
     both(put("person", **_NORDIC), said(carries_smtputf8=True))),
    ("plain, on a line that carries more", CITED, said(carries_smtputf8=True)),
    ("a ledger that forked", "ledger_forked", put("head", forked_at=now)),
    ("a forked ledger, in practice", "ledger_forked", both(put("head", forked_at=now), said(practice=True))),
    *STATES,
)  # fmt: skip

_BASIS: tuple[Row, ...] = (
    ("without a basis", "no_basis", put("current", basis=Basis.NONE)),
    ("without an event", "no_basis", put("current", consent_event_id=None)),
    ("without a row of the ledger", "no_basis", put("current", ledger_seq=None)),
    ("carried by the ledger's last row", CITED, ledger_row(0)),
    ("carried by a row that was cut off", "no_basis", ledger_row(1)),
    ("a ledger that is gone", "no_basis", no_ledger),
    ("without a text", "text_unpublished", put("current", consent_text_id=None)),
    ("under a text of tomorrow", "text_unpublished", with_text(published_at=later)),
    ("under a text of this moment", CITED, with_text(published_at=now)),
    ("under a text the ledger has seen by now", CITED,
     both(with_text(published_at=later), seen_by_ledger(MOMENT))),
    ("under a text that no row published", "text_unpublished", with_text(ledger_seq=None)),
    ("under a text published later", "text_unpublished", lambda scene: _published(scene, 1)),
    ("under a text published in that very row", CITED, lambda scene: _published(scene, 0)),
    ("claimed by an import", CLAIMED, claimed()),
    ("claimed by an import that is taken back", "no_basis", claimed(undone=True)),
    ("claimed by an import that is gone", "no_basis", claimed(import_id=NO_GUEST)),
    ("claimed by a row without evidence", "no_basis", claimed(row={"evidenced": False})),
    ("claimed by a row about somebody else", "no_basis", claimed(row={"subject_ref": "f" * 32})),
    ("claimed by a row of another batch", "no_basis", another_batch),
    ("claimed by a row that stands before the one cited", "no_basis", claimed(row={"after": -1})),
    ("claimed by a row that stands behind the one cited", "no_basis", claimed(row={"after": 1})),
    ("claimed, left and taken back", CITED, taken_back()),
    ("claimed, left, and given by what is no undo", "no_basis", taken_back(method=Method.BUTTON)),
    ("claimed, left, and taken back by somebody else", "no_basis", taken_back(whose="f" * 32)),
    ("claimed, left, and taken back in another row", "no_basis", taken_back(ledger_seq=1)),
    ("claimed after it was taken back", "no_basis", taken_back(row={"after": 1})),
    ("left and taken back, with no evidence from before", "no_basis", taken_back(row={"evidenced": False})),
    ("claimed by an import, without a row", "no_basis", claimed(ledger_seq=None)),
    ("claimed by an import, in a row that was cut off", "no_basis", both(claimed(), ledger_row(1))),
    ("claimed by an import, without a basis", "no_basis", claimed(basis=Basis.NONE)),
    ("claimed by an import, never confirmed by mail", "profile_forbids_basis", claimed(double_opt_in=False)),
)  # fmt: skip


def _published(scene: Scene, after: int) -> None:
    assert scene.current.ledger_seq is not None
    with_text(ledger_seq=scene.current.ledger_seq + after)(scene)


_DEADLINE = {"last_contact_at": None}
_OF_HER: tuple[Row, ...] = (
    ("no end of validity", CITED, put("current", valid_until=None)),
    ("valid for a moment", CITED, put("current", valid_until=later)),
    ("valid until now", "expired", put("current", valid_until=now)),
    ("no longer valid", "expired", put("current", valid_until=before)),
    ("first use a moment from now", CITED, put("current", first_use_deadline=later, **_DEADLINE)),
    ("first use by now", "lapsed", put("current", first_use_deadline=now, **_DEADLINE)),
    ("first use too late", "lapsed", put("current", first_use_deadline=before, **_DEADLINE)),
    ("no deadline for the first use", CITED, put("current", first_use_deadline=None, **_DEADLINE)),
    ("used before the deadline", CITED, put("current", first_use_deadline=before, last_contact_at=before)),
    ("silent for nearly two years", CITED, put("current", since=_TWO_YEARS_AGO + MOMENT)),
    ("silent for two years", "dormant", put("current", since=_TWO_YEARS_AGO)),
    ("silent for longer", "dormant", put("current", since=_TWO_YEARS_AGO - MOMENT)),
    (
        "two years on the list, and written to since",
        CITED,
        put("current", since=_TWO_YEARS_AGO, last_contact_at=_TWO_YEARS_AGO + MOMENT),
    ),
    (
        "written to two years ago, and back since",
        CITED,
        put("current", since=_TWO_YEARS_AGO + MOMENT, last_contact_at=_TWO_YEARS_AGO),
    ),
    (
        "last written to two years ago",
        "dormant",
        put("current", since=_TWO_YEARS_AGO - MOMENT, last_contact_at=_TWO_YEARS_AGO),
    ),
    (
        "last written to two years ago, and renewed since",
        CITED,
        put("current", since=_TWO_YEARS_AGO, last_contact_at=_TWO_YEARS_AGO, renewed_at=_TWO_YEARS_AGO + MOMENT),
    ),
    (
        "renewed two years ago, and silent since",
        "dormant",
        put("current", since=_TWO_YEARS_AGO - MOMENT, renewed_at=_TWO_YEARS_AGO),
    ),
    ("suppressed for the purpose, alone", "suppressed", suppressed("purpose:newsletter")),
    ("suppressed for another list, alone", CITED, suppressed("list:+1")),
    ("restricted, alone", "restricted", put("person", restricted_at=now)),
    ("a letter for another purpose, alone", "purpose_mismatch", said(purpose="bread")),
)

_CLOCKS: tuple[Row, ...] = (
    *_OF_HER,
    ("valid for a moment, had the clock not been set back", "expired",
     both(put("current", valid_until=later), seen_by_ledger(MOMENT))),
    ("valid longer than the ledger has seen", CITED,
     both(put("current", valid_until=ago(-2 * MOMENT)), seen_by_ledger(MOMENT))),
    ("first use too late, had the clock not been set back", "lapsed",
     both(put("current", first_use_deadline=later, **_DEADLINE), seen_by_ledger(MOMENT))),
    ("silent for two years, had the clock not been set back", "dormant",
     both(put("current", since=_TWO_YEARS_AGO + MOMENT), seen_by_ledger(MOMENT))),
    ("silent for two years, where that is no matter", CITED,
     both(put("current", since=_TWO_YEARS_AGO), under_law("strictest", dormancy_block=0))),
    ("silent for a month, where that is too long", "dormant",
     both(put("current", since=_TWO_YEARS_AGO.replace(year=2026, month=10)), under_law("dk", dormancy_block=1))),
)  # fmt: skip

_PERMITTED = {
    "dk": {Basis.SOFT_OPT_IN},
    "no": {Basis.SOFT_OPT_IN},
    "se": {Basis.SOFT_OPT_IN},
    "uk": {Basis.SOFT_OPT_IN, Basis.SOFT_OPT_IN_CHARITY},
    "ca": {Basis.IMPLIED_CASL},
    "au": {Basis.INFERRED_AU},
    **dict.fromkeys(("strictest", "eu", "de", "fr", "pl", "ru", "us", "us-ca"), frozenset[Basis]()),
}
_ASKS_BY_MAIL = {"strictest", "eu", "de", "fr"}
_BUNS = both(said(category="buns"), put("current", categories=["bread", "buns"]))


def _in_country(code: str, basis: Basis) -> Row:
    verdict = CITED if basis is Basis.CONSENT or basis in _PERMITTED[code] else "profile_forbids_basis"
    held = put("current", basis=basis, second_consent_event_id=1)
    return f"{basis} under {code}", verdict, both(under_law(code), _BUNS, held)


_COUNTRIES: tuple[Row, ...] = (
    *(_in_country(code, basis) for code in _PERMITTED for basis in Basis if basis is not Basis.NONE),
    *((f"never confirmed by mail under {code}", "profile_forbids_basis" if code in _ASKS_BY_MAIL else CITED,
       both(under_law(code), put("current", double_opt_in=False, second_consent_event_id=1)))
      for code in _PERMITTED),
    *((f"one consent under {code}", "missing_second_consent" if code == "ru" else CITED, under_law(code))
      for code in _PERMITTED),
    ("under rules that nobody knows", "gate_error", under_law("atlantis")),
    ("no age asked", CITED, put("current", age_ok=False)),
    ("an age asked, and never stated", "age_not_stated", put("house.mailing_list", least_age=1)),
    ("an age asked, and not reached", "age_not_stated",
     both(put("house.mailing_list", least_age=16), put("current", age_ok=False))),
    ("an age asked, and reached", CITED, both(put("house.mailing_list", least_age=16), put("current", age_ok=True))),
)  # fmt: skip


def _soft(basis: Basis, about: str | None, covered: list[str]) -> Arrange:
    held = put("current", basis=basis, categories=covered)
    return both(under_law("uk"), held, said(category=about))


_SCOPE: tuple[Row, ...] = (
    ("suppressed altogether", "suppressed", suppressed(suppression.ALL)),
    ("suppressed for marketing", "suppressed", suppressed(suppression.MARKETING)),
    ("suppressed for the purpose", "suppressed", suppressed("purpose:newsletter")),
    ("suppressed for the list", "suppressed", suppressed("list:+0")),
    ("suppressed for another list", CITED, suppressed("list:+1")),
    ("suppressed for another purpose", CITED, suppressed("purpose:bread")),
    ("suppressed for confirmations", CITED, suppressed(suppression.CONFIRMATIONS)),
    ("suppression still running", "suppressed", suppressed(suppression.ALL, until=later)),
    ("suppression over", CITED, suppressed(suppression.ALL, until=now)),
    ("suppression lifted", CITED, suppressed(suppression.ALL, lifted_at=now)),
    ("somebody else is suppressed", CITED, somebody_else_suppressed),
    ("list archived", "list_inactive", put("house.mailing_list", state=ListState.ARCHIVED)),
    ("list deleted", "list_inactive", put("house.mailing_list", state=ListState.TOMBSTONED)),
    ("another purpose", "purpose_mismatch", said(purpose="bread")),
    ("no purpose", "purpose_mismatch", said(purpose=None)),
    ("agreed to another purpose", "purpose_mismatch", put("current", purpose="bread")),
    ("the list got another purpose", "purpose_mismatch",
     both(put("house.mailing_list", purpose="bread"), said(purpose="bread"))),
    *((f"{basis} {name}", code, _soft(basis, about, covered))
      for basis in (Basis.SOFT_OPT_IN, Basis.SOFT_OPT_IN_CHARITY)
      for name, code, about, covered in (
          ("for what she bought", CITED, "buns", ["buns"]),
          ("for something else", "category_dissimilar", "knives", ["bread", "buns"]),
          ("for nothing named", "category_dissimilar", None, ["buns"]),
          ("that covers nothing", "category_dissimilar", "buns", []))),
    ("a consent covers whatever the letter is about", CITED, said(category="knives")),
    ("snoozed for a moment", "snoozed", put("current", snooze_until=later)),
    ("snoozed until now", CITED, put("current", snooze_until=now)),
    ("snoozed until a moment ago", CITED, put("current", snooze_until=before)),
    ("snoozed for ever", "snoozed", put("current", snooze_until=_FAR)),
    ("snoozed, whatever matters", "snoozed", both(put("current", snooze_until=later), said(important=True))),
    ("snoozed, whatever the ledger has seen", "snoozed",
     both(put("current", snooze_until=later), seen_by_ledger(2 * MOMENT))),
)  # fmt: skip

_WEEK, _MONTH = timedelta(days=6, hours=12), timedelta(days=27)


def _heard(frequency: Frequency, last: timedelta | None) -> Arrange:
    return put("current", frequency=frequency, last_contact_at=ago(last) if last is not None else None)


_PAUSES: tuple[Row, ...] = tuple(
    (f"{frequency}, heard {name}", code, _heard(frequency, last))
    for frequency, name, code, last in (
        (Frequency.ALL, "just now", CITED, timedelta(0)),
        (Frequency.WEEKLY, "never", CITED, None),
        (Frequency.WEEKLY, "just now", "frequency", timedelta(0)),
        (Frequency.WEEKLY, "nearly a week ago", "frequency", _WEEK - MOMENT),
        (Frequency.WEEKLY, "a week ago", CITED, _WEEK),
        (Frequency.WEEKLY, "a month ago", CITED, _MONTH),
        (Frequency.MONTHLY, "never", CITED, None),
        (Frequency.MONTHLY, "a week ago", "frequency", _WEEK),
        (Frequency.MONTHLY, "nearly a month ago", "frequency", _MONTH - MOMENT),
        (Frequency.MONTHLY, "a month ago", CITED, _MONTH),
        (Frequency.IMPORTANT, "never", "frequency", None),
        (Frequency.IMPORTANT, "a year ago", "frequency", timedelta(days=365)),
    )
) + tuple(
    (f"{frequency}, and it matters", CITED, both(_heard(frequency, timedelta(0)), said(important=True)))
    for frequency in Frequency
)

_MARKETING = (*_WHO, *_TOPICS, *_BASIS, *_CLOCKS, *_COUNTRIES, *_SCOPE, *_PAUSES)

CASES: tuple[Case, ...] = (*(Case(name, "marketing", code, arrange) for name, code, arrange in _MARKETING), *NOTICES)
# What can befall one person in a window and leave the others as they are.
PLIGHTS = tuple(Case(name, "marketing", code, arrange) for name, code, arrange in (*STATES, *_PAUSES, *_OF_HER))
