"""The mails of listkeeper itself: to people who sign up, and to users of the studio.

One file each, all of them plain notices (``notice``) without advertisement, with values in and a message out.
"""
