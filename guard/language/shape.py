"""Whether the data of a document has the shape of a rules file, in the words of the language."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from guard.language import elsewhere
from guard.language.document import Location
from guard.language.errors import one_of
from guard.language.model import DestinationModel, FileModel, OptionsModel, RuleModel
from guard.language.occasions import OCCASIONS
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
        details = error.errors(include_url=False, include_context=False)
    misspelt = _by_parent(_location(d) for d in details if d["type"] == "extra_forbidden")
    if not ({"rules", "extends"} & set(data) or _may_be(("rules",), misspelt)):
        yield Fault((), "the key 'rules' is missing")
    for detail in details:
        location = _location(detail)
        if detail["type"] == "extra_forbidden":
            yield Fault(location, _unknown_key(location, detail["input"]), of_key=True)
        elif detail["type"] != "missing":
            yield Fault(location, _wrong_kind(location, detail["type"]))
        elif not _may_be(location, misspelt):
            yield Fault(location[:-1], f"the key {location[-1]!r} is missing")


def _unknown_key(location: Location, value: object) -> str:
    key = str(location[-1])
    if location[0] == "notify" and "://" in key:  # not repeated, as it may be secret
        return "unknown key; write 'to: ' before an address"
    if key == "<<":
        return "'<<' has no meaning here; write what rules share into 'defaults'"
    if instead := _instead_of_key(key, location[:-1], value):
        return f"unknown key {key!r}; {instead}"
    legal = _keys_at(location[:-1])
    near = elsewhere.key_meant(key, legal) or ";"
    return f"unknown key {key!r}{near} keys are {one_of(legal)}"


def _instead_of_key(key: str, parent: Location, value: object) -> str | None:
    """What to write for a key that was not meant as one."""
    example = elsewhere.example(key)
    if "${" in key:
        return "only values can have variables"
    if parent[:1] == ("notify",):
        return None
    if not parent and (_is_rule(key) or example):
        return "rules stand below 'rules:', each behind a '- '"
    if " " in key or _is_rule(key):
        return _instead_of_line(key, value)
    return f"write e.g. 'check: {example}'" if example and parent[0] == "rules" else None


def _instead_of_line(key: str, value: object) -> str:
    """What to write for a line that is a key because of a ``:`` in it or behind it."""
    if not (value and isinstance(value, str)):
        return f"a rule with keys begins with 'check:'; write {f'check: {key}'!r}"
    if _is_rule(key) and key.count('"') % 2 == 0:
        return "in a rule on one line no word has a ':' behind it"
    return "put a rule with ': ' in it in quotes"


def _wrong_kind(location: Location, kind: str) -> str:
    key = location[-1] if location else ""
    match kind:
        case _ if location[:1] == ("extends",):
            return "'extends' takes a pack or a file, or a list of them"
        case _ if location[:1] == ("notify",):
            return _wrong_kind_in_notify(location)
        case "list_type":
            return "'rules' takes a list; each rule begins with '- ', the dash and a space"
        case "string_type" if isinstance(key, str):
            return f"{key!r} takes a single text"
        case "string_type":
            return "a rule is one line of text or a mapping"
        case _:
            return f"{key!r} takes a mapping"


def _wrong_kind_in_notify(location: Location) -> str:
    match location[1:]:
        case ():
            return "'notify' takes a list; each destination in it begins with '- to:'"
        case (_,):
            return "a destination is a mapping; write '- to:' and behind it the address"
        case (_, "on", *_):
            return f"'on' takes {one_of(list(OCCASIONS))}, or a list of these"
        case _:
            return "'to' takes an address, or a list of them"


def _location(detail: ErrorDetails) -> Location:
    """Where it is in the data. Between, pydantic names the form that it took the value for."""
    match detail["loc"]:
        case ("rules", int(index), _, *rest):
            return ("rules", index, *rest)
        case ("extends", _, *rest):
            return ("extends", *rest)
        case ("notify", int(index), "to" | "on" as key, _, *rest):
            return ("notify", index, key, *rest)
        case location:
            return location


def _by_parent(keys: Iterable[Location]) -> Mapping[Location, list[str]]:
    parents: dict[Location, list[str]] = defaultdict(list)
    for *parent, key in keys:
        parents[tuple(parent)].append(str(key))
    return parents


def _may_be(missing: Location, unknown: Mapping[Location, list[str]]) -> bool:
    """Whether a missing key stands there, but under a name that is not known: misspelt, merged in,
    or a line or a metric that was taken for a key."""
    return any(
        " " in key
        or key == "<<"
        or elsewhere.key_meant(key, [str(missing[-1])])
        or (missing[0] == "rules" and (_is_rule(key) or elsewhere.example(key)))
        for key in unknown.get(missing[:-1], [])
    )


def _is_rule(key: str) -> bool:
    """Whether the key has a comparison, so that it is a rule or a check."""
    return re.search("[<>]|[!=]=", key) is not None


def _keys_at(location: Location) -> list[str]:
    model: type[BaseModel] = FileModel
    if location:
        models: dict[str, type[BaseModel]]
        models = {"defaults": OptionsModel, "notify": DestinationModel}
        model = models.get(str(location[0]), RuleModel)
    keys = [key.alias or name for name, key in model.model_fields.items()]
    return sorted(keys, key=OPTIONS.__contains__)  # a rule's own keys before its options
