"""What it means: figures that lead to a decision.

    what the chapters below wrote down  →  channels       what each place brought, cost, and would leave behind
    reports of receivers, our send log  →  own_name       who sends under our name, and which source to mend first
                                        →  policy_advice  how strict the DMARC policy may be by now
    subscriptions and their events      →  growth         who came and stayed, by month (``growth_count`` adds it up)
    figures of a letter (``feedback``)  →  campaign_report what came of it, and ``next_step`` what to do now
    letters, orders, what people type   →  channel_profit what e-mail earns beside print (``profit_scenario`` keeps it)

A figure is worked out of the rows when it is asked for, so that it can always
be looked up again. What is kept here is what its owner typed, and counts that
would take too long for a page; those can be made anew at any time.
"""
