"""Whether the data of a document has the shape of a rules file, in the words of the language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from guard.language.document import Location
from guard.language.errors import did_you_mean, one_of
from guard.language.model import FileModel, OptionsModel, RuleModel
from guard.language.options import OPTIONS


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in the shape, of a key or of a value."""

    location: Location
    message: str
    of_key: bool = False


def faults(data: dict[str, Any]) -> Iterable[Fault]:
    """What is wrong with the shape."""
    try:
        FileModel.model_validate(data)
        details = []
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
    misspelt = _by_parent(_location(d) for d in details if d["type"] == "extra_forbidden")
    if not ({"rules", "extends"} & set(data) or _may_be(("rules",), misspelt)):
        yield Fault((), "the key 'rules' is missing")
    for detail in details:
        location = _location(detail)
        if detail["type"] == "extra_forbidden":
            yield Fault(location, _unknown_key(location), of_key=True)
        elif detail["type"] != "missing":
            yield Fault(location, _wrong_kind(location, detail["type"]))
        elif not _may_be(location, misspelt):
            yield Fault(location[:-1], f"the key {location[-1]!r} is missing")


def _unknown_key(location: Location) -> str:
    key = str(location[-1])
    if "${" in key:
        return f"unknown key {key!r}; only values can have variables"
    if key == "<<":
        return "'<<' has no meaning here; write what rules share into 'defaults'"
    if key == "surely":
        return "'surely' is not in this version; use 'over' and 'for' instead"
    if " " in key:
        return f"unknown key {key!r}; put a rule with ': ' in it in quotes"
    legal = _keys_at(location[:-1])
    near = did_you_mean(key, legal) or ";"
    return f"unknown key {key!r}{near} keys are {one_of(legal)}"


def _wrong_kind(location: Location, kind: str) -> str:
    key = location[-1] if location else ""
    if location[:1] == ("extends",):
        return "'extends' takes a pack or a file, or a list of them"
    match kind:
        case "list_type":
            return f"{key!r} takes a list"
        case "string_type" if isinstance(key, str):
            return f"{key!r} takes a single text"
        case "string_type":
            return "a rule is one line of text or a mapping"
        case _:
            return f"{key!r} takes a mapping"


def _location(detail: ErrorDetails) -> Location:
    """Where it is in the data. Between, pydantic names the form that it took the value for."""
    match detail["loc"]:
        case ("rules", int(index), _, *rest):
            return ("rules", index, *rest)
        case ("extends", _, *rest):
            return ("extends", *rest)
        case location:
            return location


def _by_parent(keys: Iterable[Location]) -> Mapping[Location, list[str]]:
    parents: dict[Location, list[str]] = defaultdict(list)
    for *parent, key in keys:
        parents[tuple(parent)].append(str(key))
    return parents


def _may_be(missing: Location, unknown: Mapping[Location, list[str]]) -> bool:
    """Whether a missing key stands there, but under a name that is not known: misspelt, merged in,
    or a whole line that YAML took for a key."""
    keys = unknown.get(missing[:-1], [])
    return any(" " in key or key == "<<" or did_you_mean(key, [str(missing[-1])]) for key in keys)


def _keys_at(location: Location) -> list[str]:
    model: type[BaseModel] = FileModel
    if location:
        model = OptionsModel if location[0] == "defaults" else RuleModel
    keys = [key.alias or name for name, key in model.model_fields.items()]
    return sorted(keys, key=OPTIONS.__contains__)  # a rule's own keys before its options
