"""Ways as they are written: what is read from an address, what is refused, and that nothing secret is repeated."""

from __future__ import annotations

import pytest

from listkeeper.sending.handing_over import way_address
from listkeeper.sending.handing_over.way import Way

SECRET = "wJalrXUtnFEMI/K7MDENG+bPx"


def _seen(way: Way) -> tuple[str, str, int, tuple[str, ...]]:
    return way.name, way.shown, way.weight, way.domains


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("smtp://mail.example", ("smtp:mail.example:587", "smtp://mail.example", 1, ())),
        (
            "smtps://u:p%3Fx@mail.example?weight=3&domains=shop.dk,Økologi.example&domains=b.example",
            ("smtp:mail.example:465", "smtps://mail.example", 3, ("shop.dk", "xn--kologi-9xa.example", "b.example")),
        ),
        ("smtp+starttls://u:p@[::1]:2525?weight=0", ("smtp:::1:2525", "smtp+starttls://::1:2525", 0, ())),
        (f"ses://AKID:{SECRET}@eu-west-1", ("ses:eu-west-1", "ses:eu-west-1", 1, ())),
        (f"ses://AKID:{SECRET}@us-gov-west-1?name=gov", ("gov", "gov", 1, ())),
        (f"postmark://{SECRET}", ("postmark", "postmark", 1, ())),
        (f"postmark://{SECRET}?stream=Letters", ("postmark:letters", "postmark:letters", 1, ())),
        (f"mailgun://{SECRET}@eu/mg.shop.dk", ("mailgun:mg.shop.dk", "mailgun:mg.shop.dk", 1, ())),
    ],
)
def test_an_address_is_read(written: str, seen: tuple[str, str, int, tuple[str, ...]]) -> None:
    assert _seen(way_address.read(written)) == seen


def test_a_mail_server_gets_chunks_only_when_told_so() -> None:
    assert way_address.read("smtps://mail.example?chunking=yes&weight=2").chunking
    assert not way_address.read("smtps://mail.example?chunking=no").chunking
    assert not way_address.read("smtps://mail.example").chunking


def test_what_is_secret_is_kept_whole_and_not_shown() -> None:
    ses = way_address.read(f"ses://AKID:{SECRET}@eu-west-1?session_token=a/b+c%3D&configuration_set=x_y")
    assert (ses.user, ses.secret, ses.session_token, ses.configuration_set) == ("AKID", SECRET, "a/b+c=", "x_y")
    assert way_address.read("mailgun://k%40y@us/mg.shop.dk").secret == "k@y"
    assert way_address.read(f"postmark://{SECRET.replace('/', '%2F')}").secret == SECRET
    smtp = way_address.read(f"smtp://ada:{SECRET.replace('/', '%2F')}@mail.example?weight=2")
    assert smtp.address == f"smtp://ada:{SECRET.replace('/', '%2F')}@mail.example"
    for way in (ses, smtp):
        assert SECRET not in repr(way)
        assert SECRET.replace("/", "%2F") not in repr(way)
        assert "a/b" not in repr(way)


@pytest.mark.parametrize(
    ("written", "mistake"),
    [
        ("ftp://mail.example", "is not a way to send"),
        ("mail.example", "is not a way to send"),
        ("smtp://", "is not a mail server address"),
        ("smtp://mail.example?chunking=perhaps", "says neither yes nor no to chunking"),
        ("smtp://a.example,smtp://b.example", "is not a mail server address"),
        ("smtp://u:SESAME@mail.example:0", "has no usable host or port"),
        ("smtp://u:SESAME@mail.example:port", "has no usable host or port"),
        ("smtp://u:SESAME@[::1", "has no usable host or port"),
        ("smtp://u:password@mail.example", "still holds a sample for the password"),
        ("ses://AKID:SESAME@Ireland", "is not an address of Amazon SES"),
        ("ses://AKID@eu-west-1", "is not an address of Amazon SES"),
        ("ses://AKID:secret@eu-west-1", "still holds a sample for the key"),
        ("postmark://", "is not an address of Postmark"),
        ("postmark://TOKEN", "still holds a sample for the key"),
        ("postmark://SESAME@letters", "is not an address of Postmark"),
        ("mailgun://SESAME@mg.shop.dk", "is not an address of Mailgun"),
        ("mailgun://SESAME@asia/mg.shop.dk", "is not an address of Mailgun"),
        ("mailgun://SESAME@eu/", "is not an address of Mailgun"),
        ("mailgun://SESAME@eu/a..b", "names something that is no domain"),
        ("mailgun://KEY@eu/mg.shop.dk", "still holds a sample for the key"),
        ("smtp://mail.example?weight=many", "has a weight that is no number from 0 to 1000"),
        ("smtp://mail.example?weight=-1", "has a weight that is no number from 0 to 1000"),
        ("smtp://mail.example?weight=1001", "has a weight that is no number from 0 to 1000"),
        ("smtp://mail.example?domains=shop..dk", "names something that is no domain"),
        ("smtp://mail.example?stream=x", "does not know stream"),
        ("postmark://SES?AME&x", "does not know …"),
        ("postmark://SESAME?stream=a/b", "has a stream or configuration set"),
        ("smtp://mail.example?name=Very+Long", "has a name that is not made of"),
        ("mailgun://SESAME@eu/mg.shop.dk?endpoint=http://mail.example", "has an endpoint that is not https://host"),
        ("mailgun://SESAME@eu/mg.shop.dk?endpoint=https://u:p@mail.example", "has an endpoint"),
        ("mailgun://SESAME@eu/mg.shop.dk?endpoint=https://mail.example/v3", "has an endpoint"),
    ],
)
def test_a_mistake_is_named_and_no_secret_with_it(written: str, mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake.replace("?", r"\?")) as said:
        way_address.read(written)
    assert "SESAME" not in str(said.value)


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="way 1 ") as said:
        way_address.read_all("ftp://x smtp://a.example, smtp://a.example\n ses://A:b@Ireland")
    assert [part.split(" (")[0] for part in str(said.value).split("; ")] == [
        "way 1 is not a way to send",
        "way 4 is not an address of Amazon SES",
        "two ways are called smtp:a.example:587: give one another name, ?name=…",
    ]
    with pytest.raises(ValueError, match="are more than 20 ways"):
        way_address.read_all(" ".join(f"smtp://h{number}.example" for number in range(21)))
    with pytest.raises(ValueError, match="names no way"):
        way_address.read_all(" ,")


def test_a_long_name_fits_a_row_and_stays_its_own() -> None:
    long = [way_address.read(f"smtp://{'very-' * 8}long-{end}.example:2525").name for end in "ab"]
    assert [len(name) for name in long] == [40, 40]
    assert long[0] != long[1]


@pytest.mark.parametrize(
    ("written", "ends_here"),
    [
        ("smtp://127.0.0.1:2525", True),
        ("smtp://127.0.0.1.mail.example", False),
        (f"postmark://{SECRET}?endpoint=http://localhost:8000", True),
        (f"postmark://{SECRET}?endpoint=https://mail.example", False),
        (f"postmark://{SECRET}", False),
    ],
)
def test_what_stays_on_this_machine(written: str, *, ends_here: bool) -> None:
    assert way_address.read(written).ends_here is ends_here
