"""What was recorded, held against what should have been.

1. ``findings``: every kind of finding, in one catalogue.
2. ``lineage``: the fold over a log that goes on behind what is wrong, and says what the rest of the log proves.
3. ``mending``: a damaged event put together again from its neighbours, proven by its hash.
4. ``comparison``: a state's document, its snapshots and its segments held against what the log tells.
5. ``receipts``: receipts of changes that were never made.
6. ``repair``: what is written about a finding, and its record.
7. ``rerun``: machines run again over events.
8. ``definitions``: the definitions that machines had when they moved states.
9. ``carried``: what an export carries; ``taken``: how much of a state, beside writers; ``export_lines``: its lines.
10. ``joining``: what an import writes, so that two histories never mix.

What the remaining data prove, by a hash in the chain or by a sealed copy, is the truth of a finding: nothing is
guessed.
"""
