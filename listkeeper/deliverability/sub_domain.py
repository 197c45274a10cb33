"""Under which name to send a newsletter: a sub-domain where the domain has other mail, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from listkeeper.foundation import language
from listkeeper.standards.dns import Answer, Outcome, TempFail

# In the order they are proposed. "mail" is often the name of the mail server already.
_LABELS = ("news", "mail")


class Choice(StrEnum):
    """What is advised."""

    SUB_DOMAIN = "sub_domain"
    AS_IT_IS = "as_it_is"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Advice:
    """The advice in one sentence, the names it proposes, best first, and the reasons in sentences."""

    choice: Choice
    words: str
    names: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def recommend(domain: str, organisational: str, mail: Outcome, taken: Collection[str] = ()) -> Advice:
    """Say whether to send as this domain or as one below it.

    ``organisational`` is the domain that was registered (the top of the
    owner's names), ``mail`` the answer to the question for the domain's MX,
    ``taken`` are names below it that exist in the DNS already.
    """
    if domain.lower() != organisational.lower():
        words = language.text("%(domain)s is a sub-domain, which is right for a newsletter.", domain=domain)
        return Advice(Choice.AS_IT_IS, words)
    if isinstance(mail, TempFail):
        words = language.text(
            "Unknown whether %(domain)s has other mail, because the DNS gave no answer: %(reason)s. "
            "If it has, send as a sub-domain.",
            domain=domain,
            reason=mail.reason,
        )
        return Advice(Choice.UNKNOWN, words, _free(domain, taken), _reasons(domain))
    if not isinstance(mail, Answer) or not any(mail.hosts()):
        words = language.text("%(domain)s has no other mail, so the newsletter can have it to itself.", domain=domain)
        return Advice(Choice.AS_IT_IS, words)
    names = _free(domain, taken)
    words = language.text("Send as a sub-domain, such as %(name)s.", name=(names or (f"….{domain}",))[0])
    return Advice(Choice.SUB_DOMAIN, words, names, _reasons(domain))


def _free(domain: str, taken: Collection[str]) -> tuple[str, ...]:
    used = {name.lower().removesuffix(".") for name in taken}
    return tuple(name for label in _LABELS if (name := f"{label}.{domain}").lower() not in used)


def _reasons(domain: str) -> tuple[str, ...]:
    return (
        language.text(
            "Receivers remember how each name behaves. When a newsletter annoys somebody, your invoices and answers "
            "from %(domain)s should not suffer for it.",
            domain=domain,
        ),
        language.text(
            "The sub-domain has an SPF record of its own, with all ten DNS look-ups to itself. The record of "
            "%(domain)s stays as it is.",
            domain=domain,
        ),
        language.text(
            "It can have a DMARC record of its own, made strict as soon as the newsletter is ready, whatever else "
            "sends as %(domain)s.",
            domain=domain,
        ),
        language.text("Answers can still go to your usual address: it stands in Reply-To."),
        language.text(
            "It hides nothing: Gmail adds up what all names under %(domain)s send when it decides who sends in bulk.",
            domain=domain,
        ),
    )
