"""The door of the mail providers: what they tell of our mails, kept at once and read later.

``lock`` stands before it: the address holds a secret that only the key folder
can make, and each post proves where it comes from, by the provider's signature
or by a password of ours. ``events`` keeps the body unread, in one transaction,
and answers; a job reads it. Nothing is told to who is turned away, and how many
were is counted.
"""
