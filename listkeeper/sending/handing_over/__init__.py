"""The ways a sealed message leaves, and what each answers.

A ``transport`` takes what the envelope sealed. ``ways`` are those of this machine, ``way_choice`` picks one, and
``way_out`` hands over by it: ``smtp_relay`` with its conversation, window and turn, or a provider's interface
(``provider_api`` and the three beside it). ``way_state`` and ``way_trouble`` know when one stands still, and
``way_test`` tries one.
"""
