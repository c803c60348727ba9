"""Who a file wants to have told of the run. Addresses are secrets: no message repeats one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from guard.destination import Destination, Occasion
from guard.language.document import Document, Location
from guard.language.environment import NOT_SHOWN
from guard.language.errors import Problem, did_you_mean, one_of
from guard.language.occasions import OCCASIONS, USUAL, meant

_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*)://\S")
_SECOND = re.compile(r"[\s,;]\s*[A-Za-z][A-Za-z0-9+.-]*://")
_HOSTED = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos",
                     "mmost", "mmosts"})  # fmt: skip
"""Schemes of addresses whose host is one. Others have a name or a secret in its place."""
_LEGAL = f"; occasions are {one_of(list(OCCASIONS))}"
_FORM = "such as slack://..., mailto://... or json://..."


def scheme_of(url: str) -> str | None:
    """What comes before the ``://`` of an address; None for a text that is none."""
    match = _SCHEME.match(url)
    return match[1].lower() if match else None


def host_of(url: str) -> str:
    """The host of an address, where that is no secret."""
    if scheme_of(url) not in _HOSTED:
        return ""
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:  # it is none
        return ""


def merged(destinations: Sequence[Destination]) -> tuple[Destination, ...]:
    """The destinations of several files. What is given twice is told of everything, once."""
    found: dict[tuple[str, str], Destination] = {}
    for one in destinations:
        key = (one.url, "" if one.url else one.written)
        first = found.setdefault(key, one)
        if first is not one:
            found[key] = replace(first, on=first.on | one.on)
    return tuple(found.values())


class NotifyReader:
    """Reads the destinations of one document and collects what is wrong with them."""

    def __init__(self, doc: Document) -> None:
        self._doc = doc
        self.problems: list[Problem] = []

    def destinations(self) -> Iterable[Destination]:
        """Those that are right."""
        items = self._doc.data.get("notify")
        if items == []:
            self._complain(("notify",), "'notify' is empty; leave it out")
        for index, item in enumerate(items if isinstance(items, list) else []):
            if isinstance(item, dict):
                yield from self._destination(item, ("notify", index))

    def _destination(self, item: dict[str, Any], location: Location) -> Iterable[Destination]:
        occasions = self._occasions(item, (*location, "on"))
        for where in self._each(item, (*location, "to"), "write an address, " + _FORM):
            written = self._written(where)
            if written is not None:
                expanded = self._doc.text(where)
                url = expanded.text.strip() if expanded else ""
                place, missing = self._doc.place(where), self._doc.missing(where)
                variables = expanded and (*expanded.variables(), *expanded.empty_variables)
                host = "" if missing or variables else host_of(url)
                yield Destination(url, occasions, written, place, missing, host)

    def _occasions(self, item: dict[str, Any], location: Location) -> frozenset[Occasion]:
        if "on" not in item:
            return USUAL
        found = set()
        for where in self._each(item, location, f"write {one_of(list(OCCASIONS))}"):
            expanded = self._doc.text(where)
            if expanded is None:
                continue
            word = expanded.text.strip()
            if word in OCCASIONS:
                found.add(Occasion(word))
            elif variables := expanded.variables():
                stands = f"what {one_of(variables, 'and')} stands for"
                self._complain(where, f"on: {stands} is no occasion{_LEGAL} {NOT_SHOWN}")
            elif "://" in word:  # not repeated, as it may be secret
                self._complain(where, f"on: an address is no occasion{_LEGAL}")
            else:
                near = meant(word)
                hint = f"; did you mean {near!r}?" if near else did_you_mean(word, list(OCCASIONS))
                legal = _LEGAL[1:] if hint else _LEGAL
                self._complain(where, f"on: unknown occasion {word!r}{hint}{legal}")
        return frozenset(found)

    def _each(self, item: dict[str, Any], location: Location, instead: str) -> Iterable[Location]:
        """Where the texts are that a key takes one or several of."""
        given, key = item.get(str(location[-1])), location[-1]
        if given == []:
            self._complain(location, f"{key!r} is empty; {instead}")
        if isinstance(given, str):
            yield location
        elif isinstance(given, list):
            yield from ((*location, i) for i, one in enumerate(given) if isinstance(one, str))

    def _written(self, location: Location) -> str | None:
        """How messages write the address there; None if it is wrong."""
        if missing := self._doc.missing(location):
            return " ".join(missing)
        expanded = self._doc.text(location)
        if expanded is None:
            return None
        url, variables = expanded.text, (*expanded.variables(), *expanded.empty_variables)
        scheme = scheme_of(url)
        hides_scheme = bool(expanded.variables(0, url.find("://") + 3))
        if variables and not url.strip():
            return " ".join(variables)
        if scheme is None or _SECOND.search(url.strip()):
            what = f"what {one_of(variables, 'and')} stands for" if variables else "this text"
            message = f"'to' takes an address, {_FORM}; {what} is none"
            if scheme is not None:
                message = f"'to' takes a single address, and {what} is several; make a list of them"
            self._complain(location, message + (f" {NOT_SHOWN}" if variables else ""))
            return None
        return " ".join(variables) if hides_scheme else f"{scheme}://"

    def _complain(self, location: Location, message: str) -> None:
        about = f"destination {int(location[1]) + 1}: " if len(location) > 1 else ""
        self.problems.append(self._doc.problem(location, about + message))
