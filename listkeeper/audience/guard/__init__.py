"""The ladder that keeps a sign-up form from being turned against strangers, rung by rung.

In the request, before anything is stored, ``first_look`` weighs what a post
looks like: the trap, the ``ticket`` of its page, how much its network sends,
and whether the form is defended just now (``defence``). A risky one is asked
for one more step, a little ``work`` by its browser or a second press of a
button. Nothing there depends on whose address it is.

In the job, ``judging`` knows the address: suppression, the brake on its
``mailbox``, the brake on its domain, and whether that domain takes mail at
all. ``breaker`` watches what comes back. When hardly anybody confirms, when
mail bounces, or when somebody calls a question spam, it defends the form a
step harder and tells the owner. Every number is one of the ``limits``.
"""
