"""Every setting, with its default and its meaning; environment prefix ``LISTKEEPER_``.

All mistakes are reported at once by ``read()``; README's table is checked
against this file by a test.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from listkeeper.deliverability import blocklist_zone, spam_score
from listkeeper.deliverability.gate import Gate
from listkeeper.feedback import esp_secret, mailbox_address
from listkeeper.feedback.mailbox_address import MailboxAddress
from listkeeper.foundation import keys, server_address
from listkeeper.foundation.errors import Invalid
from listkeeper.sending.handing_over import way_address
from listkeeper.sending.handing_over.way import LOOPBACK, Way
from listkeeper.sending.pacing import pace_rates
from listkeeper.sending.return_path import known as known_return_path
from listkeeper.standards import webhook

# HOST:PORT, the host in brackets where it is an IPv6 address.
_PLACE = r"^(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):[0-9]{1,5}$"


class Settings(BaseSettings):
    """The settings of one process."""

    # What is wrong with a setting is said without its value, which may hold a password.
    model_config = SettingsConfigDict(env_prefix="LISTKEEPER_", extra="forbid", frozen=True, hide_input_in_errors=True)

    data: Path = Field(default=Path("data"), description="Data folder: database, queue, practice inbox, pictures.")
    keys: Path | None = Field(
        default=None, description="Key folder; `keys` in the data folder when not set. Keep a copy apart from backups."
    )
    journal: Path | None = Field(
        default=None,
        description="Journal folder; `journal` in the data folder when not set. It belongs into no backup of the "
        "database: what a restored backup has forgotten stands there.",
    )
    database_url: Annotated[str | None, AfterValidator(server_address.database)] = Field(
        default=None,
        description="PostgreSQL address, `postgresql://user:password@host/name`; SQLite when not set.",
        repr=False,
    )
    redis_url: Annotated[str | None, AfterValidator(server_address.queue)] = Field(
        default=None,
        description="Redis or Valkey address, `redis://host:6379/0`; the bundled server when not set.",
        repr=False,
    )
    smtp_url: Annotated[str | None, AfterValidator(way_address.known)] = Field(
        default=None,
        description="Where mail leaves: `smtp://user:password@host:587`, `smtp+starttls://…` or `smtps://…`. "
        "`smtp` uses STARTTLS when offered. Practice mode when not set.",
        repr=False,
    )
    ways: Annotated[tuple[Way, ...], NoDecode] = Field(
        default=(),
        description="Several ways to send in place of the one above, parted by spaces: addresses as above, "
        "`ses://KEY:SECRET@eu-west-1`, `postmark://TOKEN`, `mailgun://KEY@eu/mg.example.dk`, each with "
        "`?weight=3&domains=example.dk` where wanted. See `docs/ways.md`.",
    )
    host: str = Field(default="127.0.0.1", description="Address the web server listens on.")
    port: int = Field(default=8025, ge=1, le=65535, description="Port the web server listens on.")
    public_url: str | None = Field(
        default=None,
        description="Address people reach this instance at, `https://mail.example.dk`; "
        "`http://localhost:PORT` when not set.",
    )
    proxies: int = Field(
        default=0, ge=0, le=5, description="How many trusted proxies stand in front of the web server."
    )
    workers: int = Field(default=2, ge=1, le=64, description="Worker processes that `listkeeper up` keeps running.")
    web_threads: int = Field(default=8, ge=1, le=128, description="Requests served at the same time.")
    dns_server: str | None = Field(
        default=None, description="DNS server to ask, `HOST` or `HOST:PORT`; the system's own when not set."
    )
    egress: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="IP addresses that receivers see your mail come from, comma separated: whether SPF lets them pass "
        "is checked. Unknown when not set.",
    )
    domain_gate: str = Field(
        default="stop",
        pattern="^(stop|warn)$",
        description="What blocks in the records of the sender's domain stops a letter; `warn` makes a warning of it, "
        "for test rigs, and the studio says so.",
    )
    spam_check: Annotated[str | None, AfterValidator(spam_score.known)] = Field(
        default=None,
        description="A spam filter of yours to show letters to: `rspamd://host:11333`, `spamd://host:783`.",
    )
    blocklists: Annotated[tuple[str, ...], NoDecode, AfterValidator(blocklist_zone.known)] = Field(
        default=(), description="Block lists to ask, comma separated; `listkeeper blocklist check` shows their terms."
    )
    blocklist_key: str | None = Field(
        default=None, pattern="^[A-Za-z0-9]+$", repr=False, description="Your own key with Spamhaus (DQS), if any."
    )
    return_path: Annotated[str | None, AfterValidator(known_return_path)] = Field(
        default=None,
        description="Where what cannot be delivered comes back to: a sub-domain whose MX leads to this server, "
        "`bounce.example.dk`, or a mailbox that takes plus addresses, `bounces@example.dk`. The sender's own address "
        "when not set.",
    )
    smtp_listen: str | None = Field(
        default=None,
        pattern=_PLACE,
        description="Where this server takes mail in by SMTP, `0.0.0.0:25`: what comes back, replies and reports. "
        "Nowhere when not set.",
    )
    lmtp_listen: str | None = Field(
        default=None, pattern=_PLACE, description="The same by LMTP, from a mail server of your own, `127.0.0.1:2424`."
    )
    mailboxes: Annotated[tuple[MailboxAddress, ...], NoDecode, BeforeValidator(mailbox_address.read_all)] = Field(
        default=(),
        description="Mailboxes that are emptied of what comes back, parted by spaces: "
        "`imaps://user:password@host/INBOX`, `pop3s://user:password@host`, with `?oauth=…` where wanted. "
        "See *What comes back*.",
        repr=False,
    )
    hooks: Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(esp_secret.read_all)] = Field(
        default=(),
        description="Providers whose events are taken and what proves that they come from there, parted by spaces: "
        "`mailgun=SIGNING-KEY`, `sendgrid=PUBLIC-KEY`, `ses=TOPIC-ARN`, `postmark=SECRET`. See *What comes back*.",
        repr=False,
    )
    reply_hours: int = Field(
        default=24, ge=1, le=240, description="Within how many hours a reader who writes to you gets a first answer."
    )
    reply_hours_urgent: int = Field(default=1, ge=1, le=240, description="The same for one who says that it is urgent.")
    check_links: bool = Field(default=True, description="Ask the web servers named in a letter whether its links work.")
    check_mail_domains: bool = Field(
        default=True, description="Ask the DNS whether the domain of a new address takes mail, before writing to it."
    )
    private_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Hosts in private networks that link checks, ways to send and alerts may ask, comma separated.",
    )
    signups_per_hour: int = Field(
        default=5,
        ge=1,
        description="Signups taken from one network (IPv4 address, IPv6 /64) an hour before its browsers have to work.",
    )
    signups_per_day: int = Field(default=20, ge=1, description="Signups taken from one network a day.")
    second_presses_per_hour: int = Field(
        default=3, ge=0, description="Signups of a risky network an hour by a second press instead of work."
    )
    signups_per_domain_hour: int = Field(
        default=50,
        ge=1,
        description="Confirmation mails to one mail domain an hour; big mailbox providers get twenty times as many.",
    )
    signups_per_form_hour: int = Field(
        default=300, ge=1, description="Signups by one form an hour before every browser has to work."
    )
    signup_least_seconds: int = Field(
        default=2, ge=0, le=60, description="A form posted sooner than this, in seconds, is asked for one more step."
    )
    signup_work: int = Field(
        default=50_000, ge=100, le=5_000_000, description="Up to which number a risky browser counts to prove its work."
    )
    least_confirmed_percent: int = Field(
        default=10, ge=0, le=100, description="A form of whose last 200 questions fewer are confirmed is defended."
    )
    most_bounced_percent: int = Field(
        default=10, ge=0, le=100, description="A form of whose last 200 questions more bounce is defended."
    )
    confirmations_per_day: int = Field(default=1, ge=1, description="Confirmation mails one address gets in 24 hours.")
    confirmations_per_month: int = Field(default=3, ge=1, description="Confirmation mails one address gets in 30 days.")
    mails_per_second: float = Field(
        default=0, ge=0, description="Mails handed over a second by all workers together; 0 is without a limit."
    )
    provider_pace: Annotated[
        tuple[tuple[str, float], ...], NoDecode, BeforeValidator(pace_rates.read), AfterValidator(pace_rates.forwards)
    ] = Field(
        default=(),
        description="Mails a second to single providers, `gmail=20,microsoft=10,other=2`; `other` is each one that is "
        "not named. Without a limit when not set, as a relay wants it: what receivers answer slows us down anyway.",
    )
    retry_hours: int = Field(
        default=72,
        ge=1,
        le=240,
        description="For how many hours from its first try a campaign's letter is tried again.",
    )
    retry_hours_single: int = Field(
        default=24, ge=1, le=240, description="The same for any other mail, such as one that asks to confirm."
    )
    sign_ins_per_hour: int = Field(default=20, ge=1, description="Sign-in attempts taken from one network an hour.")
    tests_per_hour: int = Field(default=20, ge=1, description="Test mails one organisation may send an hour.")
    hold_minutes: int = Field(
        default=10, ge=0, le=1440, description="How long a send ordered in the studio can be undone; 0: not at all."
    )
    late_minutes: int = Field(
        default=30,
        ge=1,
        le=1440,
        description="A letter whose time passed longer ago than this, while nothing was at work here, asks before it "
        "leaves.",
    )
    stuck_after_minutes: int = Field(
        default=10, ge=1, description="A letter of which mails are due and none has left for so long stands still."
    )
    alert_url: str | None = Field(
        default=None,
        description="Web address, `https://…`, that is posted to when mail does not leave as it should, and when that "
        "is over; signed, without any address. See *Seen from outside*.",
        repr=False,
    )
    alert_secret: str | None = Field(
        default=None,
        description="What those posts are signed with: 24 to 64 random bytes in base64 (`openssl rand -base64 32`).",
        repr=False,
    )
    least_free_megabytes: int = Field(
        default=200,
        ge=0,
        description="With less room on the disk of the data folder nothing is sent, and the owners hear of it when "
        "five times as much is left. 0: nobody looks.",
    )
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least severe log line that is written."
    )
    log_json: bool = Field(default=False, description="Write log lines as JSON.")

    @field_validator("private_hosts", "egress", "blocklists", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("egress")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ip_address(each)
            except ValueError:
                raise ValueError(f"names {each}, which is no IP address") from None
        return value

    @field_validator("ways", mode="before")
    @classmethod
    def _read_ways(cls, value: object) -> object:
        return (way_address.read_all(value) if value.strip() else ()) if isinstance(value, str) else value

    @field_validator("ways")
    @classmethod
    def _one_or_several(cls, value: tuple[Way, ...], asked: ValidationInfo) -> tuple[Way, ...]:
        if value and asked.data.get("smtp_url") is not None:
            raise ValueError("is set beside LISTKEEPER_SMTP_URL; name that server among the ways instead")
        return value

    @field_validator("database_url", "redis_url", "smtp_url")
    @classmethod
    def _no_sample(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).password in way_address.SAMPLES:
            raise ValueError("still holds a sample for the password")
        return value

    @field_validator("alert_url")
    @classmethod
    def _a_door_for_alerts(cls, value: str | None, asked: ValidationInfo) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        near = LOOPBACK | set(asked.data.get("private_hosts", ()))
        # In the clear anybody on the way would read what a letter is called.
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in near)
        if not safe or not parts.hostname or parts.username or parts.fragment or not value.isprintable():
            raise ValueError("is no web address to post to (https://host/…; http:// within your own network alone)")
        return value

    @field_validator("alert_secret")
    @classmethod
    def _a_key(cls, value: str | None) -> str | None:
        if value is not None and keys.is_placeholder(webhook.key(value)):
            raise ValueError("is a sample and no secret (openssl rand -base64 32)")
        return value

    @field_validator("public_url")
    @classmethod
    def _whole_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("is not a web address (https://host)")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _files_are_not_folders(self) -> Settings:
        if self.data.exists() and not self.data.is_dir():
            raise ValueError(f"data: {self.data} is a file, not a folder")
        return self

    @model_validator(mode="after")
    def _alerts_are_signed(self) -> Settings:
        if self.alert_url is not None and self.alert_secret is None:
            raise ValueError("alert_secret: is needed beside LISTKEEPER_ALERT_URL (openssl rand -base64 32)")
        return self

    @property
    def data_folder(self) -> Path:
        """The data folder, absolute."""
        return self.data.expanduser().resolve()

    @property
    def key_folder(self) -> Path:
        """The key folder, absolute."""
        return (self.keys or self.data_folder / "keys").expanduser().resolve()

    @property
    def journal_folder(self) -> Path:
        """The journal folder, absolute."""
        return (self.journal or self.data_folder / "journal").expanduser().resolve()

    @property
    def database(self) -> str:
        """The SQLAlchemy address of the database."""
        return self.database_url or f"sqlite:///{self.data_folder / 'listkeeper.db'}"

    @property
    def queue(self) -> str:
        """The address of the queue server."""
        return self.redis_url or f"unix://{self.data_folder / 'run' / 'queue.sock'}"

    @property
    def site(self) -> str:
        """The address people reach this instance at, without a slash at its end."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def sending_ways(self) -> tuple[Way, ...]:
        """The ways mail leaves by; none in practice mode."""
        return (way_address.read(self.smtp_url),) if self.smtp_url is not None else self.ways

    @property
    def least_free_bytes(self) -> int:
        """Below how many free bytes nothing is sent."""
        return self.least_free_megabytes * 1_000_000

    @property
    def practice(self) -> bool:
        """Whether no sending way is chosen, so that nothing can leave."""
        return self.smtp_url is None and not self.ways

    @property
    def gate(self) -> Gate:
        """What becomes of findings about the sender's domain: in practice mode they are hints."""
        return Gate.HINT if self.practice else Gate(self.domain_gate)

    @property
    def hold(self) -> timedelta:
        """How long a send ordered in the studio can be undone."""
        return timedelta(minutes=self.hold_minutes)

    @property
    def late(self) -> timedelta:
        """How long after its time a letter may still begin by itself."""
        return timedelta(minutes=self.late_minutes)

    @property
    def rehearsing(self) -> bool:
        """Whether mail ends on this machine: in practice mode, or in mail servers on loopback, as test rigs have."""
        return all(way.ends_here for way in self.sending_ways)


def read(**given: object) -> Settings:
    """Read the environment; ``given`` wins. Raises Invalid that lists every mistake at once."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as mistakes:
        raise Invalid("settings", "\n".join(_sentence(error) for error in mistakes.errors())) from None


def _sentence(error: ErrorDetails) -> str:
    name = "_".join(str(part) for part in error["loc"])
    said = str(error["msg"]).removeprefix("Value error, ")
    return f"LISTKEEPER_{name.upper()}: {said}" if name else f"LISTKEEPER_{said}"
