"""SCXML, the W3C's State Chart XML (https://www.w3.org/TR/scxml/): the states at its top, and their transitions."""

from dataclasses import dataclass, field
from typing import Final

# Its external entities and its bombs need a document type, and a text with one is refused before it can declare any.
from xml.parsers import expat  # nosec B407  # noqa: TID251

from tai_state.machine.formats.draft import Converted, Draft, LeftKind, unreadable

NAMESPACE: Final = "http://www.w3.org/2005/07/scxml"
DEPTH_MAX: Final = 100

_SORTS: Final[dict[str, LeftKind]] = {
    "onentry": "effect",
    "onexit": "effect",
    "invoke": "effect",
    "script": "effect",
    "datamodel": "data",
    "donedata": "data",
    "state": "structure",
    "parallel": "structure",
    "final": "structure",
    "history": "structure",
    "initial": "structure",
}
_ATTRIBUTES: Final = {
    "scxml": {"initial", "name", "version", "datamodel", "binding"},
    "state": {"id"},
    "final": {"id"},
    # Where there are no states within states, and nothing is done on the way in or out, both types are one.
    "transition": {"event", "cond", "target", "type"},
}


@dataclass(slots=True)
class _Element:
    tag: str
    attributes: dict[str, str]
    line: int
    children: list["_Element"] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"line {self.line}"

    @property
    def shown(self) -> str:
        name = self.attributes.get("id") or self.attributes.get("event")
        return f"<{self.tag}>" if name is None else f"<{self.tag}> {name!r}"


def converted(text: str, name: str) -> Converted:
    """Return what a chart comes to.

    Raises:
        InvalidMachineError: It is no XML, has a document type, or is no chart.
    """
    root = _parsed(text)
    if root.tag != "scxml":
        message = f"the root is <{root.tag}>, and not <scxml> in the namespace {NAMESPACE}"
        raise unreadable(message)
    draft = Draft("scxml", root.attributes.get("name") or name)
    _leave_attributes(draft, root)
    _begin(draft, root, [one for one in root.children if one.tag in {"state", "final"}])
    for child in root.children:
        if child.tag in {"state", "final"}:
            _add_state(draft, child)
        else:
            _leave(draft, child, "the chart")
    _leave_prefixes(draft)
    return draft.converted()


def _begin(draft: Draft, root: _Element, states: list[_Element]) -> None:
    initial = root.attributes.get("initial", "").split()
    if len(initial) > 1:
        draft.leave("structure", root.place, f"the chart begins in several states at once: {', '.join(initial)}")
    draft.initial = initial[0] if initial else (states[0].attributes.get("id") if states else None)


def _add_state(draft: Draft, state: _Element) -> None:
    _leave_attributes(draft, state)
    status = state.attributes.get("id")
    if status is None:
        draft.leave("structure", state.place, f"<{state.tag}> has no id, so that nothing leads to it or names it")
        return
    if state.tag == "final":
        draft.terminal.append(status)
    for child in state.children:
        if child.tag == "transition" and state.tag == "state":
            _add_transition(draft, status, child)
        else:
            _leave(draft, child, f"state {status!r}")


def _add_transition(draft: Draft, source: str, transition: _Element) -> None:
    _leave_attributes(draft, transition)
    of_state = f"of state {source!r}"
    for child in transition.children:
        draft.leave("effect", child.place, f"<{child.tag}> in {transition.shown} {of_state} has no place in a machine")
    targets = transition.attributes.get("target", source).split()
    if len(targets) != 1:
        draft.leave("structure", transition.place, f"{transition.shown} {of_state} leads to several states at once")
        return
    events = transition.attributes.get("event", "").split()
    if not events:
        draft.leave("event", transition.place, f"a transition {of_state} to {targets[0]!r} waits for no event")
    for event in events:
        plain = event.removesuffix("*").removesuffix(".")
        if not plain or "*" in plain:
            draft.leave("event", transition.place, f"event {event!r} {of_state} stands for any event")
            continue
        if plain != event:
            draft.leave("event", transition.place, f"event {event!r} {of_state} stands for every event that begins so")
        draft.move(plain, source, targets[0], transition.attributes.get("cond"))


def _leave(draft: Draft, element: _Element, where: str) -> None:
    kind = _SORTS.get(element.tag, "unknown")
    draft.leave(kind, element.place, f"{element.shown} of {where} has no place in a machine")


def _leave_attributes(draft: Draft, element: _Element) -> None:
    for name, value in element.attributes.items():
        if name not in _ATTRIBUTES[element.tag]:
            kind: LeftKind = "structure" if name == "initial" else "unknown"
            draft.leave(kind, element.place, f"{name}={value!r} of {element.shown} has no place in a machine")


def _leave_prefixes(draft: Draft) -> None:
    """An event stands for all that begin with it and a dot; an action stands for itself."""
    actions = sorted({str(row["action"]) for row in draft.transitions})
    for action in actions:
        wider = [one for one in actions if action.startswith(one + ".")]
        for one in wider:
            draft.leave(
                "event", "events", f"a transition of event {one!r} is also one of {action!r} in SCXML, and is not here"
            )


def _parsed(text: str) -> _Element:
    """Return the root of a text of XML.

    Raises:
        InvalidMachineError: It is none, is nested deeper than anybody writes it, or has a document type.
    """
    # Whatever the text says of its encoding, it has been decoded.
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    top = _Element("", {}, 0)
    open_elements = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_elements) > DEPTH_MAX:
            message = f"line {parser.CurrentLineNumber}: elements are nested deeper than {DEPTH_MAX}"
            raise unreadable(message)
        element = _Element(tag.removeprefix(f"{NAMESPACE} "), attributes, parser.CurrentLineNumber)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    def doctype(*_: object) -> None:
        message = f"line {parser.CurrentLineNumber}: the XML has a document type, by which it could name other files"
        raise unreadable(message)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text.encode(), True)  # noqa: FBT003 - expat takes it by position
    except expat.ExpatError as error:
        message = f"the text is no XML: {error}"
        raise unreadable(message) from error
    return top.children[0]
