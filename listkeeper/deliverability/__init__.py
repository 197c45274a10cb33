"""Whom the receivers believe: the domains we send from and what the DNS says of them.

A ``sending_domain`` is a name the owner sends as. Its ``dkim_key`` is made
here, sealed at rest, and published by the owner as a record. A ``dns_audit``
reads what is published and evaluates it as a receiver would: ``spf_audit`` asks
whether our addresses may send, ``dkim_audit`` whether the published key is
ours. What each check came to is a ``finding``: right, wrong with the record
to publish, or unknown with the reason. A check that could not be made is never
right.

Whom we write to has a say as well. ``mail_host`` remembers whether a domain takes
mail and which ``mail_provider`` keeps it; ``reply_class`` reads what a receiver
answered: whose fault a "no" is, and whether it is one for good. What they and
others report by themselves comes in by ``report_intake`` and is kept as
``dmarc_report``, ``failure_report`` and ``tls_report``: strangers' words, which
``insight.own_name`` lays beside our own send log.
"""
