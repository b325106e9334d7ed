"""How fast the package is, beside the engine underneath and what a user could pick instead, in one run.

``make bench`` runs all workloads, ``make bench ONLY=w1-sqlite`` one. A file in ``workloads`` holds those of one kind:
their subjects, and what is claimed of them. Each subject has a process of its own; the rounds of all of them are
interleaved, so that a machine that is busy for a while is busy for each; ratios are taken within a round, and their
medians are told. Rates and CPU time (user and system) alone are compared. ``BENCH_SECONDS`` bounds what one workload
measures.

Peers are pinned in ``requirements.txt``, and installed into an environment of their own.
"""
