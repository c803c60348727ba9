"""The run of a test: series of requests and of metrics of the run."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from guard.engine.metrics import METRICS
from guard.language.document import Location
from guard.language.errors import Complaint
from guard.language.outline import Outline
from guard.language.series import series
from guard.rule import Place, Unit, method_and_name
from guard.scenario import Scenario, Series, Traffic

REQUEST_KEYS = {
    "entry": "the method and name of the requests, GET / if not given",
    "rps": "how many are answered in each second",
    "response_time": "how long each of them takes",
    "failures": "how many of them fail",
    "failure": "the text of these failures",
    "content_length": "the size of each response",
}
VITALS = ("users", "workers", "lost_workers", "cpu", "memory", "exceptions")
"""Metrics of the run that can be written as series. Silence follows from the requests."""

SERIES_KEYS = {
    **REQUEST_KEYS,
    **{name: METRICS[name].meaning for name in VITALS},
    "exceptions": "how many exceptions come in each second that nobody catches",
}
UNITS = {
    "rps": Unit.RATE,
    "response_time": Unit.MILLISECONDS,
    "failures": Unit.COUNT,
    "content_length": Unit.BYTES,
    **{name: METRICS[name].unit for name in VITALS},
}
"""What the values of each series are in."""


class RunReader:
    """Reads what happens in the runs of tests.

    Args:
        outline: The test file.
    """

    def __init__(self, outline: Outline) -> None:
        self._outline = outline

    def scenario(self, test: dict[str, Any], above: Location) -> Scenario:
        """The run of the test that stands there, without its ramp-up; incomplete if it has
        faults."""
        location = (*above, "series")
        items = self._outline.items(test, location, "no series, so nothing would happen")
        traffic: list[Traffic] = []
        vitals: dict[str, Series] = {}
        first_of: dict[str, Place] = {}
        for index, item in enumerate(items):
            where = (*location, index)
            keys = self._outline.mapping(
                item, where, tuple(SERIES_KEYS), instead="a series is a mapping, such as rps: 50x60"
            )
            if keys is None:
                continue
            if not keys:
                self._outline.complain(where, "a series without a key, so nothing would happen")
            vitals |= self._vitals(keys, where, first_of)
            if set(keys) & set(REQUEST_KEYS) and (found := self._traffic(keys, where)):
                traffic.append(found)
        return Scenario(tuple(traffic), vitals)

    def _vitals(
        self, keys: dict[str, Any], location: Location, first_of: dict[str, Place]
    ) -> dict[str, Series]:
        found = {}
        for name in (name for name in VITALS if name in keys):
            where = (*location, name)
            place = self._outline.doc.place(where)
            first = first_of.setdefault(name, place)
            if first is not place:
                message = f"{name!r} is given twice; the first is in line {first.line}"
                self._outline.complain_of_key(where, message)
            if read := self._series(keys, where):
                found[name] = read
        return found

    def _traffic(self, keys: dict[str, Any], location: Location) -> Traffic | None:
        outline = self._outline
        if "rps" not in keys:
            outline.complain(location, "the key 'rps' is missing, so there are no requests")
        entry, failure = (outline.text(keys, (*location, word)) for word in ("entry", "failure"))
        if entry and not entry.text.strip():
            message = "entry: write a method and a name, such as POST /checkout"
            outline.complain((*location, "entry"), message)
        if "failure" in keys and "failures" not in keys:
            message = "'failure' is the text of failures; say by 'failures' how many there are"
            outline.complain_of_key((*location, "failure"), message)
        given = ("rps", "response_time", "failures", "content_length")
        rps, times, failures, sizes = (self._series(keys, (*location, word)) for word in given)
        if rps is None:
            return None
        for word, found in zip(given, (rps, times, failures, sizes), strict=True):
            if found and found.seconds > rps.seconds:
                message = f"{word} has {found.seconds} seconds, rps has only {rps.seconds}"
                outline.complain((*location, word), message)
        if failures:
            self._check_failures((*location, "failures"), rps, failures)
        method, name = method_and_name(entry.text.strip()) if entry else (None, "/")
        said = failure.text if failure else ""
        return Traffic(method or "GET", name, rps, times, failures, said, sizes)

    def _check_failures(self, location: Location, rps: Series, failures: Series) -> None:
        seconds = zip_longest(rps.counts(), failures.counts(), fillvalue=0)
        for second, (requests, failed) in enumerate(seconds, start=1):
            if failed > requests:
                of = "1 request" if requests == 1 else f"{requests} requests"
                message = f"{failed} of {of} can't fail, as in second {second}"
                self._outline.complain(location, f"failures: {message}")
                return

    def _series(self, keys: dict[str, Any], location: Location) -> Series | None:
        name = str(location[-1])
        expanded = self._outline.text(keys, location)
        if expanded is None:
            return None
        try:
            return series(expanded.text, UNITS[name])
        except Complaint as complaint:
            takes = "a series such as 50x60"
            self._outline.complain_of_text(location, complaint, takes, f"{name}: ")
            return None
