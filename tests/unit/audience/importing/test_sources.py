"""Every tool is recognised by its headings, and what it says about its people is taken at its word, exactly."""

from __future__ import annotations

import pytest

from listkeeper.audience.importing import sources
from listkeeper.audience.importing.headings import Role
from listkeeper.audience.importing.sources import OPTED_OUT, Recognised, Standing
from listkeeper.foundation.errors import Invalid
from tests.makers import exports

S = Standing
SHOPIFY = "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Address1,Default Address Address2,Default Address City,Default Address Province Code,Default Address Country Code,Default Address Zip,Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,Tags"  # noqa: E501
PHPLIST = "Email address,Is this subscriber confirmed,Is this subscriber blacklisted,Did this subscriber manually confirm,Entered,Last Modified,Unique ID,Name,List Membership"  # noqa: E501
# Headings, tool, kind, then what a row says and what the person is.
EXPORTS: dict[str, tuple[str, str, str, list[tuple[dict[str, str], Standing]]]] = {
    "mailchimp": (",".join(exports.mailchimp_header("subscribed")), "mailchimp", "subscribed", [({}, S.ACTIVE)]),
    "mailchimp german": (
        ",".join(exports.mailchimp_header("subscribed", exports.GERMAN)), "mailchimp", "subscribed", [({}, S.ACTIVE)],
    ),
    "mailchimp unsubscribed": (
        ",".join(exports.mailchimp_header("unsubscribed")), "mailchimp", "unsubscribed", [({}, S.UNSUBSCRIBED)],
    ),
    "mailchimp cleaned": (",".join(exports.mailchimp_header("cleaned")), "mailchimp", "cleaned", [({}, S.BOUNCED)]),
    "substack": (
        "email,active_subscription,expiry,email_disabled,prefer_digests,created_at", "substack", "free",
        [({"email_disabled": "false"}, S.ACTIVE), ({"email_disabled": "true"}, S.DISABLED)],
    ),
    "substack newer": (
        "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at", "substack", "free",
        [({"email_disabled": "true"}, S.DISABLED)],
    ),
    "substack paid": (
        "email,expiry,email_disabled,prefer_digests,stripe_connected_customer_id,type", "substack", "paid",
        [({"email_disabled": "true"}, S.DISABLED)],
    ),
    "substack dashboard": (
        "Email,Name,Subscription type,Activity,Subscription date,Revenue,Cancel date,Receiving emails for,Is Bestseller",  # noqa: E501
        "substack", "dashboard", [({}, S.ACTIVE)],
    ),
    "beehiiv": (
        "email,First Name,Last Name,status,tier,created_at,stripe_customer_id,unsubscribed_at,Subscription Date (Substack)",  # noqa: E501
        "beehiiv", "",
        [
            ({"status": "active"}, S.ACTIVE), ({"status": "inactive"}, S.INACTIVE),
            ({"status": "active", "unsubscribed_at": "2024-01-01"}, S.UNSUBSCRIBED),
        ],
    ),
    "ghost": (
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers",
        "ghost", "",
        [
            ({"subscribed_to_emails": "true"}, S.ACTIVE), ({"subscribed_to_emails": "false"}, S.UNSUBSCRIBED),
            ({"subscribed_to_emails": "true", "deleted_at": "2024-01-01T10:00:00Z"}, S.UNSUBSCRIBED),
        ],
    ),
    "brevo": (
        "EMAIL,VORNAME,NACHNAME,SMS,ADDED_TIME,MODIFIED_TIME,_listIds,OPT_IN,DOUBLE_OPT-IN", "brevo", "",
        [({}, S.ACTIVE)],
    ),
    "brevo with status": (
        "EMAIL,PRENOM,SMS,EMAIL_BLACKLISTED,SMS_BLACKLISTED", "brevo", "contacts",
        [({"EMAIL_BLACKLISTED": "true"}, S.DISABLED), ({"EMAIL_BLACKLISTED": "0"}, S.ACTIVE)],
    ),
    "listmonk": (
        "uuid,email,name,attributes,status,created_at,updated_at", "listmonk", "",
        [({"status": "enabled"}, S.ACTIVE), ({"status": "blocklisted"}, S.DISABLED), ({"status": "disabled"}, S.DISABLED)],  # noqa: E501
    ),
    "keila": (
        "Email,First name,Last name,Data,Status,External ID", "keila", "",
        [
            ({"Status": "active"}, S.ACTIVE), ({"Status": "unsubscribed"}, S.UNSUBSCRIBED),
            ({"Status": "unreachable"}, S.BOUNCED), ({"Status": "inactive"}, S.UNKNOWN),
        ],
    ),
    "mailerlite": (
        "Email,Name,Status,Groups,Subscribed,Opted in at,Optin IP", "mailerlite", "",
        [
            ({"Status": "active"}, S.ACTIVE), ({"Status": "junk"}, S.COMPLAINED), ({"Status": "bounced"}, S.BOUNCED),
            ({"Status": "unsubscribed"}, S.UNSUBSCRIBED), ({"Status": "unconfirmed"}, S.PENDING),
        ],
    ),
    "kit": (
        "first_name,email,created_at,state", "kit", "",
        [
            ({"state": "active"}, S.ACTIVE), ({"state": "cancelled"}, S.UNSUBSCRIBED), ({"state": "bounced"}, S.BOUNCED),  # noqa: E501
            ({"state": "complained"}, S.COMPLAINED), ({"state": "inactive"}, S.INACTIVE),
        ],
    ),
    "mailcoach": ("email,first_name,last_name,tags", "mailcoach", "", [({"tags": "a;b"}, S.ACTIVE)]),
    "phplist": (
        PHPLIST, "phplist", "",
        [
            ({"Is this subscriber confirmed": "1", "Did this subscriber manually confirm": "1"}, S.ACTIVE),
            ({"Is this subscriber confirmed": "1", "Did this subscriber manually confirm": "0"}, S.PENDING),
            ({"Is this subscriber blacklisted": "1", "Is this subscriber confirmed": "1"}, S.DISABLED),
        ],
    ),
    "shopify": (
        SHOPIFY, "shopify", "",
        [({"Accepts Email Marketing": "yes"}, S.ACTIVE), ({"Accepts Email Marketing": "no"}, S.UNSUBSCRIBED)],
    ),
    "curated": (
        "Email Address,Subscribed at,UTM Source,UTM Medium,UTM Term,UTM Content,UTM Campaign,UTM Last Path,UTM Referrer",  # noqa: E501
        "curated", "", [({}, S.ACTIVE)],
    ),
    "tinynews members": (
        "Channel id,Status,Tier,Tier title,Tags,Created at,Deleted at,Engagement OptIn,Email,Id,Name,Surname,Updated At,User id",  # noqa: E501
        "tinynews", "members",
        [({"Status": "active"}, S.ACTIVE), ({"Status": "active", "Deleted at": "2024-01-01"}, S.UNSUBSCRIBED)],
    ),
    "tinynews readers": (
        "email,First name,Last name,Date added,Last modified,status,clicks,opens", "tinynews", "readers",
        [({"status": "unsubscribed"}, S.UNSUBSCRIBED)],
    ),
    "mailigen": ("Email,Name,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP", "mailigen", "", [({}, S.ACTIVE)]),
    "activecampaign": (
        "Email,First Name,Last Name,Phone,Tags,Date Created,IP,Status", "activecampaign", "",
        [({"Status": "Active"}, S.ACTIVE), ({"Status": "Bounced"}, S.BOUNCED), ({"Status": "Unconfirmed"}, S.PENDING)],
    ),
    "nobody's": (
        "E-mailadresse;Fornavn;Status;Tilmeldt", "table", "",
        [
            ({"Status": "Aktiv"}, S.ACTIVE), ({"Status": "inactive"}, S.INACTIVE), ({"Status": "Afmeldt"}, S.UNSUBSCRIBED),  # noqa: E501
            ({"Status": "hard bounce"}, S.BOUNCED), ({"Status": "Spam"}, S.COMPLAINED), ({"Status": "who knows"}, S.UNKNOWN),  # noqa: E501
            ({"Status": ""}, S.UNKNOWN),
        ],
    ),
}  # fmt: skip


def _recognise(header: str) -> tuple[Recognised, list[str]]:
    headings = header.split(";" if ";" in header else ",")
    address = next(
        index for index, word in enumerate(headings) if "mail" in word.lower() and "accepts" not in word.lower()
    )
    sample = [["anna@kunde.example" if index == address else "" for index in range(len(headings))]]
    return sources.recognise(headings, sample), headings


@pytest.mark.parametrize("name", EXPORTS)
def test_recognised_with_what_its_words_mean(name: str) -> None:
    header, key, kind, lines = EXPORTS[name]
    found, headings = _recognise(header)
    assert (found.source.key, found.source.kind) == (key, kind)
    for cells, standing in lines:
        assert sources.standing(found, [cells.get(heading, "") for heading in headings]) is standing


def test_every_tool_of_the_table_has_an_export_here() -> None:
    tried = {(key, kind) for _, key, kind, _ in EXPORTS.values()}
    assert {(source.key, source.kind) for source in sources.known()} - tried == {("kit", "by status")}


def test_the_address_column_is_found_by_what_it_holds() -> None:
    found = sources.recognise(
        ["Kunde", "Kontakt", "Note"], [["1", "a@kunde.example", ""], ["2", "b@kunde.example", "x"]]
    )
    assert found.columns[Role.ADDRESS] == 1
    # A heading that promises addresses and holds none is not believed.
    found = sources.recognise(["Email", "Kontakt"], [["yes", "a@kunde.example"], ["no", "b@kunde.example"]])
    assert found.columns[Role.ADDRESS] == 1


def test_a_table_without_addresses_is_refused() -> None:
    with pytest.raises(Invalid, match="No column"):
        sources.recognise(["Vare", "Pris"], [["Bolle", "12"], ["Brød", "30"]])


def test_headings_in_our_languages_mean_the_same() -> None:
    for header in (
        ["E-postadresse", "Fornavn", "Etternavn"], ["E-postadress", "Förnamn", "Efternamn"],
        ["Adres e-mail", "Imię", "Nazwisko"], ["Электронная почта", "Имя", "Фамилия"], ["E-Mail", "Vorname", "Nachname"],  # noqa: E501
    ):  # fmt: skip
        found = sources.recognise(header, [["a@kunde.example", "x", "y"]])
        wanted = {Role.FIRST_NAME: 1, Role.LAST_NAME: 2, Role.ADDRESS: 0}
        if header[0] != "E-postadress":
            assert dict(found.columns) == wanted
    assert sources.recognise(["Emailadresse", "Vorname"], [["a@kunde.example", "x"]]).language == "de"


def test_where_opt_outs_lie_apart() -> None:
    apart = {name for name, (header, *_) in EXPORTS.items() if _recognise(header)[0].opt_outs_apart}
    assert {"mailchimp", "substack", "brevo", "phplist", "curated", "mailigen", "mailcoach"} <= apart
    assert not apart & {"brevo with status", "listmonk", "keila", "mailerlite", "kit", "ghost", "nobody's"}


def test_of_several_signs_the_strongest_counts() -> None:
    found, headings = _recognise(EXPORTS["beehiiv"][0])
    cells = {"status": "complained", "unsubscribed_at": "2024-01-01"}
    assert sources.standing(found, [cells.get(heading, "") for heading in headings]) is S.COMPLAINED
    assert S.COMPLAINED in OPTED_OUT


def test_a_plain_list_given_as_opt_outs_holds_opt_outs_alone() -> None:
    found = sources.as_opt_outs(sources.recognise([], [["a@kunde.example"]]))
    assert sources.standing(found, ["a@kunde.example"]) is S.UNSUBSCRIBED
