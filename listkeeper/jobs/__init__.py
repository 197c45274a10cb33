"""The second shell: what happens when nobody waits for the answer.

A bell (``parts.ring``) puts one small job on a lane; a ``worker`` takes it,
urgent lane first. The job in ``lanes`` reacts to the facts that wait there
(``reactions``: one literal table) and hands over the mail that is due
(``sending``). The ``timetable`` rings for lost bells, settles what a killed
worker left behind and forgets what is past (``housekeeping``); ``watching`` looks
for what stands still, in the timetable's own process. Jobs carry ids,
may run twice, and losing one loses nothing: the database knows what is due.
"""
