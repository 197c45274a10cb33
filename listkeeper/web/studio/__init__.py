"""The studio: where the owner of the lists works, behind a login.

``sign_in`` wires the login library and the lock of this door; ``entrance`` is
the one-time link, ``security`` a user's own keys. ``setup`` is the first run.
``home`` is the first screen, ``lists``, ``people`` and ``forms`` show who
agreed to what, ``form_site`` puts a form on a site, ``letters`` and ``composer`` what we say, ``sending`` how it
leaves, ``inbox`` what practice mode caught, ``domains`` whom the receivers
believe and ``business`` whose studio this is. ``page`` gives all of them one
shell and ``words`` one language. Every screen works as a full page load;
scripts only make it move.
"""
