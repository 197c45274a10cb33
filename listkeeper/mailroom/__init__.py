"""Mail that comes to us: the only place that listens for it.

``catcher`` is practice mode's mail server. It takes every mail the program
sends while no sending way is chosen, and keeps it where the built-in inbox
shows it, so that nothing leaves the machine and everything can be seen as it
went over the wire.
"""
