"""What it means: figures that lead to a decision.

    what the chapters below wrote down  →  channels       what each place brought, cost, and would leave behind
    reports of receivers, our send log  →  own_name       who sends under our name, and which source to mend first
                                        →  policy_advice  how strict the DMARC policy may be by now

Nothing here is a table of its own: a figure is worked out of the rows when it
is asked for, so that it can always be looked up again.
"""
