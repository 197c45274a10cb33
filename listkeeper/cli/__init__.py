"""What a person types: one file per noun, and the supervisor of one machine's processes.

``main`` knows the nouns and turns the five kinds of error into sentences and
exit codes; ``context`` gives a command its settings and the opened application.
``up`` starts everything: it composes the parts, ``supervisor`` keeps them
alive, and each part is a command of its own (``web``, ``work``, ``timetable``,
``catch``) that also runs alone on another machine.
"""
