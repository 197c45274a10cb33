"""Whether mail to the domain is kept encrypted on its way: the T rows (MTA-STS, TLS-RPT).

It protects the answers our readers write, not the mail we send: worth knowing,
and never a reason not to send.
"""

from __future__ import annotations

from datetime import datetime

from listkeeper.deliverability import evidence
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import fetch, language
from listkeeper.foundation.fetch import PageReader
from listkeeper.standards import mta_sts, tls_rpt
from listkeeper.standards.dns import Answer, Resolver, TempFail, ask_all
from listkeeper.standards.mta_sts import Mode, Policy

_STS = "RFC 8461"
_REPORTS = "RFC 8460 section 3"
_FOUND = 200


def audit(domain: str, resolver: Resolver, now: datetime, *, reader: PageReader | None = None) -> list[Finding]:
    """Return the findings about MTA-STS and TLS-RPT of a domain, which is an A-label.

    Without a ``reader`` the policy is not fetched and is unknown.
    """
    # Asked side by side, and remembered by a resolver that remembers.
    ask_all(resolver, [(mta_sts.record_name(domain), "TXT"), (tls_rpt.record_name(domain), "TXT"), (domain, "MX")])
    return [*_strict_transport(domain, resolver, now, reader), _reports(domain, resolver, now)]


def _strict_transport(domain: str, resolver: Resolver, now: datetime, reader: PageReader | None) -> list[Finding]:
    name = mta_sts.record_name(domain)
    outcome = resolver.query(name, "TXT")
    seen = evidence.of(outcome, now)
    if isinstance(outcome, TempFail):
        words = language.text(
            "Unknown whether %(domain)s asks for encrypted mail (MTA-STS), because the DNS gave no answer: %(reason)s.",
            domain=domain,
            reason=outcome.reason,
        )
        return [Finding("T1", Severity.UNKNOWN, name, words, seen, reference=_STS)]
    match mta_sts.record(outcome.records if isinstance(outcome, Answer) else ()):
        case None:
            words = language.text(
                "%(domain)s does not ask others to encrypt the mail they send you (MTA-STS). "
                "It protects answers, not your newsletter.",
                domain=domain,
            )
            return [Finding("T1", Severity.INFO, name, words, seen, reference=_STS)]
        case mta_sts.Bad(reason):
            words = language.text(
                "The MTA-STS record at %(name)s counts for nothing: %(reason)s.", name=name, reason=reason
            )
            mend = f"v=STSv1; id={now:%Y%m%d%H%M%S}"
            return [Finding("T1a", Severity.INFO, name, words, seen, mend, f"{_STS} section 3.1")]
        case mta_sts.Record():
            return [_policy(domain, resolver, now, reader, seen)]


def _policy(domain: str, resolver: Resolver, now: datetime, reader: PageReader | None, seen: str) -> Finding:
    url = mta_sts.policy_url(domain)
    if reader is None:
        return _not_read(url, language.text("web servers were not asked"), seen)
    page = reader.get(url)
    if not isinstance(page, fetch.Answer):
        return _not_read(url, page.reason, seen)
    shown = "\n".join([seen, f"{url} {page.status}", *_lines(page.body)])
    if page.status != _FOUND:
        reason = language.text("the web server answers %(status)s", status=page.status)
        return _useless(url, reason, shown)
    policy = mta_sts.parse_policy(page.body)
    if isinstance(policy, mta_sts.Bad):
        return _useless(url, policy.reason, shown)
    return _compared(domain, policy, resolver, now, shown)


def _lines(body: bytes) -> list[str]:
    """Return the beginning of a file from strangers, in printable ASCII."""
    return [ascii(line)[1:-1] for line in body[: mta_sts.LARGEST_POLICY].decode("latin-1").splitlines()[:40]]


def _not_read(url: str, reason: str, seen: str) -> Finding:
    words = language.text("Unknown what the MTA-STS policy at %(url)s says: %(reason)s.", url=url, reason=reason)
    return Finding("T1", Severity.UNKNOWN, url, words, seen, reference=f"{_STS} section 3.3")


def _useless(url: str, reason: str, seen: str) -> Finding:
    words = language.text("The MTA-STS policy at %(url)s counts for nothing: %(reason)s.", url=url, reason=reason)
    mend = language.text("Put a policy there, or take the record that announces it out of the DNS.")
    return Finding("T1b", Severity.INFO, url, words, seen, mend, f"{_STS} section 3.2")


def _compared(domain: str, policy: Policy, resolver: Resolver, now: datetime, seen: str) -> Finding:
    """Compare the hosts the policy allows with those the DNS names."""
    url = mta_sts.policy_url(domain)
    mail = resolver.query(domain, "MX")
    shown = f"{seen}\n{evidence.of(mail, now)}"
    if isinstance(mail, TempFail):
        words = language.text(
            "Unknown whether the MTA-STS policy fits the mail hosts of %(domain)s, "
            "because the DNS gave no answer: %(reason)s.",
            domain=domain,
            reason=mail.reason,
        )
        return Finding("T1", Severity.UNKNOWN, url, words, shown, reference=f"{_STS} section 4.1")
    # Without an MX record the domain itself is the host (RFC 5321 section 5.1).
    hosts = [host for host in mail.hosts() if host] if isinstance(mail, Answer) else [domain]
    missing = [host for host in hosts if not policy.covers(host)]
    if policy.mode is not Mode.NONE and missing:
        words = language.text(
            "The MTA-STS policy of %(domain)s does not name these mail hosts, so senders that keep to it "
            "cannot deliver there: %(hosts)s.",
            domain=domain,
            hosts=", ".join(missing),
        )
        mend = "\n".join(f"mx: {host}" for host in missing)
        return Finding("T1c", Severity.INFO, url, words, shown, mend, f"{_STS} section 4.1")
    words = language.text(
        "%(domain)s has an MTA-STS policy that fits its mail hosts; its mode is %(mode)s.",
        domain=domain,
        mode=policy.mode.value,
    )
    return Finding("T1", Severity.INFO, url, words, shown, reference=_STS)


def _reports(domain: str, resolver: Resolver, now: datetime) -> Finding:
    name = tls_rpt.record_name(domain)
    outcome = resolver.query(name, "TXT")
    seen = evidence.of(outcome, now)
    if isinstance(outcome, TempFail):
        words = language.text(
            "Unknown whether %(domain)s asks for reports on encryption (TLS-RPT), "
            "because the DNS gave no answer: %(reason)s.",
            domain=domain,
            reason=outcome.reason,
        )
        return Finding("T2", Severity.UNKNOWN, name, words, seen, reference=_REPORTS)
    mend = f"v=TLSRPTv1; rua=mailto:tls-reports@{domain}"
    match tls_rpt.record(outcome.records if isinstance(outcome, Answer) else ()):
        case None:
            words = language.text(
                "%(domain)s does not ask for reports on mail that could not be encrypted (TLS-RPT).", domain=domain
            )
            return Finding("T2", Severity.INFO, name, words, seen, reference=_REPORTS)
        case tls_rpt.Bad(reason):
            words = language.text(
                "The TLS-RPT record at %(name)s counts for nothing: %(reason)s.", name=name, reason=reason
            )
            return Finding("T2a", Severity.INFO, name, words, seen, mend, _REPORTS)
        case tls_rpt.Record(_, rua):
            words = language.text("Reports on encryption go to %(targets)s.", targets=", ".join(rua))
            return Finding("T2", Severity.INFO, name, words, seen, reference=_REPORTS)
