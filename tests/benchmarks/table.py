"""What a run says: a table for people, JSON for programs, a picture for the pages."""

from collections.abc import Mapping
from html import escape
from statistics import median
from typing import Any

from tests.benchmarks.harness import Measured, Workload, verdict

Results = Mapping[str, tuple[Workload, Measured]]


def rows(results: Results) -> list[tuple[str, ...]]:
    """Return a line for each claim: workload, what is compared, ratio, must, goal, verdict."""
    found: list[tuple[str, ...]] = []
    for workload, measured in results.values():
        for claim in workload.claims:
            ratio = measured.ratio(claim)
            sign = "<= " if claim.less else ">= "
            goal = "" if claim.goal is None else f"{sign}{claim.goal:.3g}x"
            shown = "" if ratio is None else f"{ratio:.2f}x"
            compared = f"{claim.subject} / {claim.against}"
            found.append((workload.name, compared, shown, f"{sign}{claim.must:.3g}x", goal, verdict(claim, ratio)))
    return found


def text(results: Results) -> str:
    """Return the table of the claims, then the median of each subject."""
    lines = [("workload", "subject / against", "measured", "must", "goal", "verdict"), *rows(results)]
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    told = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    told.append("")
    for workload, measured in results.values():
        told.append(f"{workload.name}: {workload.title} ({workload.unit})")
        told += [f"  {name:28} {median(figures):>14,.1f}" for name, figures in measured.figures.items()]
        told += [f"  {name:28}   not measured: {why}" for name, why in measured.missing.items()]
    return "\n".join(told)


def record(results: Results, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run as JSON has it."""
    return {
        **about,
        "workloads": {
            name: {
                "title": workload.title,
                "unit": workload.unit,
                "figures": measured.figures,
                "missing": measured.missing,
                "claims": [
                    {**vars(claim), "ratio": (ratio := measured.ratio(claim)), "verdict": verdict(claim, ratio)}
                    for claim in workload.claims
                ],
            }
            for name, (workload, measured) in results.items()
        },
    }


PAGE = """# Benchmarks

Rates and CPU time beside the engine underneath, the official client, and what else could be picked. Everything of a
line was measured in one run, in interleaved rounds, medians of them: the ratios count, the figures are this machine's.
`make bench` measures again; the peers' versions are in `tests/benchmarks/requirements.txt`. The peers prove nothing
about their events; here each is in a hash chain.

"must" and "goal" are what this project set itself; "short" is where it is not there yet.

{machine}, {date}. Firestore is its emulator on the same machine.

![Each measure as a share of what it must be](benchmarks.svg)

| workload | compared | measured | must | goal | |
|---|---|---|---|---|---|
{claims}

## Medians

{medians}

What an operation is billed on Firestore is counted, not measured: [backends.md](backends.md#what-an-operation-costs).
"""


def page(results: Results, about: Mapping[str, Any]) -> str:
    """Return the page of the docs that tells of a run."""
    claims = "\n".join("| " + " | ".join(row) + " |" for row in rows(results))
    medians = []
    for workload, measured in results.values():
        told = [f"| {name} | {median(figures):,.1f} |" for name, figures in measured.figures.items()]
        told += [f"| {name} | not measured: {why} |" for name, why in measured.missing.items()]
        medians.append(f"**{workload.title}** ({workload.unit})\n\n| | |\n|---|---|\n" + "\n".join(told))
    return PAGE.format(claims=claims, medians="\n\n".join(medians), **about)


COLOURS = {"goal": "#1a7f37", "must": "#4c9a5b", "short": "#c4432b", "not measured": "#999"}
_ROW, _LEFT, _WIDE = 22, 430, 300


def picture(results: Results, about: Mapping[str, Any]) -> str:
    """Return an SVG: a bar for each claim, as a share of what must hold; the line is where it does."""
    bars = []
    told = rows(results)
    claims = [(measured.ratio(claim), claim) for workload, measured in results.values() for claim in workload.claims]
    for index, (row, (ratio, claim)) in enumerate(zip(told, claims, strict=True)):
        y = 40 + index * _ROW
        share = 0.0 if ratio is None else (claim.must / ratio if claim.less else ratio / claim.must)
        width = min(share, 3.0) / 3.0 * _WIDE
        label = escape(f"{row[0]}: {row[1]}")
        bars.append(f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">{label}</text>')
        bars.append(f'<rect x="{_LEFT}" y="{y}" width="{width:.0f}" height="15" fill="{COLOURS[row[5]]}"/>')
        bars.append(f'<text x="{_LEFT + _WIDE + 8}" y="{y + 12}">{escape(f"{row[2]} (must {row[3]})")}</text>')
    height, line = 60 + len(told) * _ROW, _LEFT + _WIDE / 3
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDE + 190}" height="{height}" '
        'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
        f'<text x="8" y="20">{escape(str(about["machine"]))}, {escape(str(about["date"]))}</text>\n'
        + "\n".join(bars)
        + f'\n<path d="M{line} 32V{height - 16}" stroke="#333" stroke-dasharray="3 3"/>\n</svg>\n'
    )
