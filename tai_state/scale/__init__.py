"""What a load would ask of Firestore, before it is there: documents, bytes, billed operations, money, and limits.

The numbers of operations are the formulas by which ``store.usage`` reckons, which tests hold against counted runs; the
sizes are those of real documents as Firestore counts them. Prices come from a file, which names its source and date.
"""

from tai_state.scale.estimate import Estimate, Load, estimate
from tai_state.scale.limits import Near, near
from tai_state.scale.prices import Prices, prices

__all__ = ["Estimate", "Load", "Near", "Prices", "estimate", "near", "prices"]
