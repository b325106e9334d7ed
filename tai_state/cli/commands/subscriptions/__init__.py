"""``subscriptions``: who follows what has changed, how far behind he is, and what he could not deliver.

``list`` shows the subscriptions that have begun. ``lag`` tells for each how many states wait, and for how long.
``dead`` lists the events that one put aside; ``retry`` has one of them, or all, delivered again by the workers, and
``reset`` lets a subscription begin anew, which asks first. What delivers is the program that has the handlers: nothing
of that is done here.

With ``--json`` a subscription is an object with the fields of ``SubscriptionInfo``, a dead letter one with those of
``DeadLetter``.
"""
