"""Replicas over two stores: each is brought what the other has, and merges what neither knew of (``rules.replicas``).

1. The states of both are gone through side by side; where clocks and contents are equal, nothing is read but their
   documents, and nothing sent.
2. Else the events that are missing go first, each before those that follow it, and create-only: into the line, where
   it goes on from its head, or beside it. Whatever stops there is resumed by the next sync, which finds them.
3. The merge is one commit like any other, on the version that was looked at: whoever changes the state meanwhile has it
   looked at again.
4. What was erased on one side is erased on the other before anything is sent.
"""
