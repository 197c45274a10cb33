"""The brakes' numbers, each of them a setting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much is taken before a brake holds."""

    # Of one network (IPv4 address, IPv6 /64). Beyond the hour's a browser has to work; the day's holds all.
    signups_per_hour: int = 5
    signups_per_day: int = 20
    # Presses of the second button, where no script can work, of one network an hour.
    second_presses_per_hour: int = 3
    # To one mail domain; those of the big mailbox providers get twenty times as many.
    signups_per_domain_hour: int = 50
    # By one form; beyond them every browser has to work.
    signups_per_form_hour: int = 300
    # Mails that ask one mailbox, in all its spellings, across all doors.
    confirmations_per_day: int = 1
    confirmations_per_month: int = 3
    # Nobody reads and types faster, in seconds.
    signup_least_seconds: int = 2
    # Up to which number a browser counts to prove that it worked.
    signup_work: int = 50_000
    # Of a form's last 200 questions, in percent: fewer yeses or more bounces than these defend it a step harder.
    least_confirmed_percent: int = 10
    most_bounced_percent: int = 10
