"""What the columns of a recording mean, by the tool that wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from guard.engine.snapshot import EntryKey


@dataclass(frozen=True, slots=True)
class Kind:
    """What a row is about: all that is the same for many of them.

    Attributes:
        key: The entry of the request; None for a row that says how many users there are.
        failure: Why the request failed; None for one that did not.
        is_sum: Whether it stands for requests that have rows of their own, so that it belongs to
            its entry but not to the aggregate.
    """

    key: EntryKey | None
    failure: str | None = None
    is_sum: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one format.

    Attributes:
        name: What ``--format`` calls it.
        title: What people call it.
        required: Columns that tell it from others.
        time: The column with the moment of a row, as a number since 1970 or as a date.
        ticks: Ticks a second of that number, where the number itself does not tell.
        took: The column with the response time in milliseconds. A row without a number in it has
            no response time.
        is_end: Whether the moment is that of the end of the request, and not of its beginning.
        labels: Columns that say of what kind a row is. A recording may lack those that are not
            required.
        kind: What these say; None for a row that is of no interest.
        size: The column with the size of the response in bytes, if there is one.
        users: The column with the number of users, if there is one. Where it is that of ``took``,
            only rows that are about users have it.
        delimiters: What may stand between two columns.
    """

    name: str
    title: str
    required: frozenset[str]
    time: str
    ticks: float
    took: str
    is_end: bool
    labels: tuple[str, ...]
    kind: Callable[[Mapping[str, str]], Kind | None]
    size: str | None = None
    users: str | None = None
    delimiters: str = ","

    def is_of(self, header: Sequence[str]) -> bool:
        """Whether a recording with these columns is of this format."""
        return self.required <= set(header)


_METHOD = re.compile(r"[A-Z]+", re.ASCII)

_OF_TRANSACTION = "Number of samples in transaction"
"""What JMeter's transaction controllers begin their message with. JMeter's own report leaves them
out of its total too."""


def _of_locust(row: Mapping[str, str]) -> Kind:
    return Kind((row["request_type"], row["name"]), row["exception"] or None)


def _of_jmeter(row: Mapping[str, str]) -> Kind:
    method, _, name = row["label"].partition(" ")
    key = (method, name) if name and _METHOD.fullmatch(method) else ("", row["label"])
    message = row.get("responseMessage", "")
    is_sum = message.startswith(_OF_TRANSACTION)
    if row["success"].lower() == "true":
        return Kind(key, None, is_sum)
    code, asserted = row.get("responseCode", ""), row.get("failureMessage", "")
    status = f"{code} {message}".strip()
    # Of a response that was good in itself, only the assertion tells what was wrong.
    said = [asserted] if asserted and code[:1] in ("1", "2", "3") else [status, asserted]
    return Kind(key, ": ".join(filter(None, said)) or "failed", is_sum)


def _of_k6(row: Mapping[str, str]) -> Kind | None:
    if row["metric_name"] == "vus":
        return Kind(None)
    if row["metric_name"] != "http_req_duration":
        return None  # a request has a row for each of its metrics
    key = (row["method"], row["name"] or row.get("url", ""))
    status, error = row.get("status", ""), row.get("error", "")
    as_expected = row.get("expected_response", "")
    if as_expected == "true" or (not as_expected and not error and status < "400"):
        return Kind(key)
    return Kind(key, error or f"status {status}")


LOCUST = Layout(
    name="locust",
    title="Locust's CsvRequestLogger",
    required=frozenset({"timestamp", "request_type", "name", "response_time_ms", "exception"}),
    time="timestamp",
    ticks=1.0,
    took="response_time_ms",
    is_end=False,
    labels=("request_type", "name", "exception"),
    kind=_of_locust,
    size="response_length",
)
JTL = Layout(
    name="jtl",
    title="JMeter's JTL",
    required=frozenset({"timeStamp", "elapsed", "label", "success"}),
    time="timeStamp",
    ticks=1000.0,
    took="elapsed",
    is_end=False,
    labels=("label", "success", "responseCode", "responseMessage", "failureMessage"),
    kind=_of_jmeter,
    size="bytes",
    users="allThreads",
    delimiters=",;\t|",
)
K6 = Layout(
    name="k6",
    title="k6's CSV output",
    required=frozenset({"metric_name", "timestamp", "metric_value", "method", "name"}),
    time="timestamp",
    ticks=1.0,
    took="metric_value",
    is_end=True,
    labels=("metric_name", "method", "name", "url", "status", "error", "expected_response"),
    kind=_of_k6,
    users="metric_value",
)

LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in (LOCUST, JTL, K6)}
"""Every format, by name."""


class Kinds:
    """The kinds of a recording's rows, by what their labels say.

    Args:
        layout: The format.
        header: The names of the columns.

    Attributes:
        labels: The columns that tell, as far as they are there.
    """

    MOST = 50_000
    """Kinds that are remembered. Failures may all have texts of their own."""

    def __init__(self, layout: Layout, header: Sequence[str]) -> None:
        self.labels = [name for name in layout.labels if name in header]
        self._layout = layout
        self._known: dict[tuple[str, ...], Kind | None] = {}

    def of(self, cells: tuple[str, ...]) -> Kind | None:
        """The kind of a row with these labels; None if it is of no interest."""
        try:
            return self._known[cells]
        except KeyError:
            if len(self._known) >= self.MOST:
                self._known.clear()
            kind = self._layout.kind(dict(zip(self.labels, cells, strict=True)))
            self._known[cells] = kind
            return kind
