"""A certificate made up of plain values, with a bit of everything in it: for what prints one and needs no database."""

from __future__ import annotations

import hashlib

from listkeeper.audience.proof.certificate import (
    Certificate,
    Controller,
    Happening,
    ImportedClaim,
    Kept,
    Permission,
    Position,
    Retention,
    SentMessage,
    ShownForm,
    ShownText,
    Standing,
)

START = 1_795_420_800_120
BODY = "Ja tak, Café Kardemomme ApS må sende mig nyheder om brød og kager med e-mail, højst en gang om ugen."
POLISH = "Tak, Zażółć Gęślą Jaźń sp. z o.o. może wysyłać mi e-maile."
RUSSIAN = "Да, кафе «Кардамон» может присылать мне письма."


def shown_text(body: str = BODY, *, spoken: str = "da", version: int = 2) -> ShownText:
    """Return a text as somebody saw it."""
    return ShownText(
        sha256=hashlib.sha256(f"{spoken}{version}{body}".encode()).hexdigest(),
        language=spoken,
        version=version,
        kind="newsletter",
        body=body,
        withdrawal="Jeg kan altid framelde mig med et klik nederst i hvert brev.",
        age_statement="Jeg er fyldt 15 år.",
        button_label="Ja tak, send mig nyhederne",
        controller="Café Kardemomme ApS\nHavnegade 1\n1058 København\nhello@cafe.example",
        published_at=START - 86_400_000,
    )


def shown_form(text: ShownText) -> ShownForm:
    """Return a form as somebody saw it."""
    sha256 = hashlib.sha256(b"form" + text.sha256.encode()).hexdigest()
    published = START - 86_400_000
    return ShownForm(
        sha256=sha256, public_id="frm_7k2v0000000000000000", slug="nyheder", language=text.language, version=3,
        title="Nyheder fra Café Kardemomme", thank_you="Tak!", least_age=15, published_at=published, text=text,
        second_text=None,
    )  # fmt: skip


def happening(seq: int, type_: str, *, method: str = "", actor: str = "subscriber", **more: object) -> Happening:
    """Return one event; ``more`` are fields to set."""
    values: dict[str, object] = {
        "id": f"{seq:032x}", "seq": seq, "at": START + seq * 61_003, "happened_at": 0, "type": type_,
        "list_id": "lst_0000000000000000000a", "purpose": "newsletter", "basis": "", "method": method, "actor": actor,
        "expires_at": 0, "text": None, "form": None, "evidence": Kept.NONE, "facts": (), "details": (), "mail": b"",
        "hash": hashlib.sha256(f"row {seq}".encode()).hexdigest(), "commitment": "",
    }  # fmt: skip
    return Happening(**(values | more))  # type: ignore[arg-type]


def _story(text: ShownText) -> tuple[Happening, ...]:
    form = shown_form(text)
    held = {"evidence": Kept.HELD, "commitment": "c" * 64}
    browser = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Instagram 350.0"
    asked = (
        ("address", "Anna.Kær@Example.dk"), ("network", "2001:db8:7::/64"), ("browser", browser),
        ("origin", "https://cafe.example"), ("source", "insta-bio"), ("utm_source", "instagram"),
    )  # fmt: skip
    mail = b"From: hello@cafe.example\r\nSubject: 123456\r\n\r\nJa?\r\n"
    handed = (("message_id", "<3f7Kd0x9QW@cafe.example>"), ("handed_at", START + 90_000))
    reply = (("reply", "250 2.0.0 OK  1795420899 a1b2c3d4e5f6-qwertz - gsmtp"), ("reply_code", 250))
    return (
        happening(14, "consent.requested", method="form", text=text, form=form, facts=asked, **held),
        happening(15, "doi.handed", actor="system", facts=handed, mail=mail, **held),
        happening(16, "doi.accepted", actor="system", facts=reply, **held),
        happening(19, "consent.given", method="button", basis="consent", text=text, form=form, facts=asked[:3], **held),
        happening(88, "consent.withdrawn", method="one_click", evidence=Kept.WITHHELD, commitment="d" * 64),
    )


def _letters(count: int) -> tuple[SentMessage, ...]:
    return tuple(
        SentMessage(
            at=START + 604_800_000 * week, list_id="lst_0000000000000000000a", subject=f"Kardemommesnurrer, uge {week}",
            message_class="marketing", state="accepted", message_id=f"<letter-{week}@cafe.example>",
            reply="250 2.0.0 Ok: queued as 4F2A81C0", grant_seq=19,
        )
        for week in range(1, count + 1)
    )  # fmt: skip


def made(*, spoken: str = "en", letters: int = 4, body: str = BODY) -> Certificate:
    """Return a certificate of somebody with a withdrawn consent, an imported claim and a suppression."""
    text = shown_text(body)
    news = Permission(
        "lst_0000000000000000000a", "Nyheder", "newsletter", "unsubscribed", "consent", START + 19 * 61_003, 0,
        permits=False, happenings=_story(text), messages=_letters(letters),
    )  # fmt: skip
    claim = ImportedClaim(
        "b" * 32, 417, START - 5_000_000, (("consented_at", "2021-04-03T10:11:12Z"), ("source", "Mailchimp")), "e" * 64,
        "user:1",
    )  # fmt: skip
    old = Permission(
        "lst_0000000000000000000b", "Gamle kunder", "newsletter", "imported_unverified", "", START - 5_000_000, 0,
        permits=False, happenings=(), messages=(), claim=claim,
    )  # fmt: skip
    return Certificate(
        made_at=START + 9_000_000_000,
        language=spoken,
        controller=Controller(
            "org_0000000000000000000z", "Café Kardemomme ApS", "Havnegade 1\n1058 København", "hello@cafe.example",
            "https://cafe.example", "da",
        ),
        public_id="sub_0000000000000000000s",
        subject="5f" * 16,
        address_typed="Anna.Kær@Example.dk",
        address_normalised="anna.kær@example.dk",
        restricted_at=0,
        erased_at=0,
        permissions=(news, old),
        elsewhere=(happening(89, "suppression.added", details=(("reason", "unsub"), ("scope", "list:1")), list_id=""),),
        other_messages=(),
        suppressions=(Standing("list:1", "Nyheder", "unsub", START + 88 * 61_003, 0),),
        retention=Retention("DK-24m", "MFL §10", START + 60_000_000_000),
        position=Position(120, "a" * 64, "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw=", "listkeeper/org_00z"),
    )  # fmt: skip
