"""The HTTP shell: four doors, one set of headers, one map from errors to answers.

``doors`` registers the pages of each door (public has no lock, studio asks for
a login) and lists, literally, every endpoint that anybody may open. Each page
takes ids or a form in, makes one call into the domain and shows what came
back. ``headers`` puts the security headers on every response. ``problems``
turns the five kinds of error, and everything unforeseen, into a calm page or
a JSON document.
"""
