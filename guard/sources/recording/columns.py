"""The rows of a recording, read many at a time by Apache Arrow.

It reads only what it surely reads as :mod:`.rows` does. A block that has anything else in it, such
as a bad row, is left to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from guard.sources.recording.layout import Kind, Kinds, Layout
from guard.sources.recording.lines import Block
from guard.sources.recording.moments import LATEST, MICROSECONDS, MOST_TOOK, TICKS, ticks_of
from guard.sources.recording.tally import Concern, Group, Span
from guard.sources.rounding import LARGEST, STEPS

_SUMS = [
    ("key", "count"), ("took", "sum"), ("took", "min"), ("took", "max"), ("size", "sum"),
    ("users", "max"),
]  # fmt: skip


class UnreadableError(Exception):
    """There is something in the block that is not surely read as it is meant."""


class ColumnReader:
    """Reads blocks of a layout.

    Args:
        layout: The format.
        header: The names of the columns, in their order.
        delimiter: What stands between two.
    """

    def __init__(self, layout: Layout, header: Sequence[str], delimiter: str) -> None:
        self._layout = layout
        self._kinds = Kinds(layout, header)
        numbers = (layout.time, layout.took, layout.size or "", layout.users or "")
        self._numbers = [name for name in dict.fromkeys(numbers) if name in header]
        self._is_ambiguous = len(set(header)) < len(header)
        types: dict[str, Any] = dict.fromkeys(self._numbers, pa.float64())
        types |= dict.fromkeys(self._kinds.labels, pa.dictionary(pa.int32(), pa.string()))
        self._reading = csv.ReadOptions(
            column_names=list(header), use_threads=False, block_size=2**31 - 1
        )
        self._parsing = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
        self._converting = csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=False,
        )

    def span(self, block: Block) -> Span:
        """What there is in the block.

        Raises:
            UnreadableError: It is left to the other reader.
        """
        rows, kinds = self._read(block)
        rows = rows.filter(_taken([kind is not None for kind in kinds], rows))
        if not rows.num_rows:
            return Span()
        requests = rows.filter(_taken([kind is not None and kind.key is not None for kind in kinds],
                                      rows))  # fmt: skip
        ended = pc.min_max(rows["ended"]).as_py()
        return Span(
            requests=pc.sum(_taken([kind and not kind.is_sum for kind in kinds], requests)).as_py()
            or 0,
            sent=pc.min(requests["sent"]).as_py(),
            first=ended["min"],
            last=ended["max"],
            keys=frozenset(kind.key for kind in kinds if kind and kind.key),
            has_users=rows["users"].null_count < rows.num_rows,
        )

    def groups(
        self,
        block: Block,
        concern: Callable[[Kind], Concern],
        zero: int,
        after: int,
        until: int,
    ) -> Iterator[Group]:
        """What is in the block, grouped by what is alike.

        Args:
            block: The lines.
            concern: What rows of a kind concern.
            zero: When the first request was sent, in microseconds since 1970.
            after: The second after which it is of interest.
            until: The last one that is.

        Raises:
            UnreadableError: It is left to the other reader.
        """
        rows, kinds = self._read(block)
        since = pc.subtract(rows["ended"], zero)
        # Rounded up, where Arrow would round towards zero, which is the same from zero on.
        second = pc.max_element_wise(pc.divide(pc.add(since, 999_999), 1_000_000), 1)
        places: dict[Concern, int] = {}
        numbers = [
            None if kind is None else places.setdefault(concern(kind), len(places))
            for kind in kinds
        ]
        concerns = list(places)
        place = _taken(numbers, rows, pa.int64())
        wanted = pc.and_(pc.greater(second, after), pc.less_equal(second, until))
        key = pc.add(pc.multiply(second, len(concerns)), place)
        rows = rows.append_column("key", key).append_column("time", _rounded(rows["took"]))
        rows = rows.filter(pc.and_(wanted, pc.is_valid(key)))
        alike = rows.group_by("key", use_threads=False).aggregate(_SUMS)
        times = _times(rows)
        names = ("key", *("_".join(sum_) for sum_ in _SUMS))
        for key, number, took, fastest, slowest, size, users in zip(
            *(alike[name].to_pylist() for name in names), strict=True
        ):
            number_of_second, index = divmod(key, len(concerns))
            yield Group(
                number_of_second,
                concerns[index],
                number,
                times.get(key, {}),
                took,
                fastest,
                slowest,
                size,
                users,
            )

    def _read(self, block: Block) -> tuple[pa.Table, list[Kind | None]]:
        """The rows, and the kinds that their column ``kind`` refers to, from zero."""
        layout, table = self._layout, self._table(block)
        kind, kinds = self._kinds_of(table)
        took = table[layout.took]
        size, users = self._count(table, layout.size), self._count(table, layout.users)
        if layout.users == layout.took:
            is_request = pc.take(
                pa.array([kind is None or kind.key is not None for kind in kinds], pa.bool_()), kind
            )
            users = pc.if_else(is_request, None, users)
            took = pc.if_else(is_request, took, None)
        if pc.any(pc.or_(pc.less(took, 0.0), pc.greater(took, MOST_TOOK))).as_py():
            raise UnreadableError
        took = _whole(pc.multiply(took, 1000.0))
        lasted = pc.fill_null(took, 0)
        moment = self._moments(table[layout.time])
        sent, ended = moment, pc.add(moment, lasted)
        if layout.is_end:
            sent, ended = pc.subtract(moment, lasted), moment
        columns = {"sent": sent, "ended": ended, "took": took, "size": pc.fill_null(size, 0)}
        return pa.table({**columns, "users": users, "kind": kind}), kinds

    def _table(self, block: Block) -> pa.Table:
        if self._is_ambiguous or b"\0" in block.lines:
            raise UnreadableError
        if not block.lines.strip(b"\r\n"):
            names = self._converting.column_types.items()
            return pa.table({name: pa.array([], kind) for name, kind in names})
        try:
            table = csv.read_csv(
                pa.BufferReader(block.lines), self._reading, self._parsing, self._converting
            )
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise UnreadableError from error
        lines = block.lines.count(b"\n") + (not block.lines.endswith(b"\n"))
        if table.num_rows != lines:
            raise UnreadableError  # a row of several lines may be a stray quote
        for name in self._numbers:
            most = pc.max(pc.abs(table[name])).as_py()
            is_moment = name == self._layout.time
            if not is_moment and most is not None and not most <= MOST_TOOK * 1000:
                raise UnreadableError
            if pc.all(pc.is_finite(table[name])).as_py() is False:
                raise UnreadableError
        return table.combine_chunks()

    def _moments(self, column: Any) -> Any:
        """A column of moments, in microseconds since 1970."""
        if not len(column):
            return pa.array([], pa.int64())
        extremes = pc.min_max(column).as_py()
        first, last = extremes["min"], extremes["max"]
        ticks = ticks_of(last or 0.0, self._layout.ticks)
        if column.null_count or first < 0 or last > LATEST * ticks:
            raise UnreadableError
        if any(first < least <= last for least, _ in TICKS):  # those between may have other ticks
            raise UnreadableError
        return _whole(pc.multiply(column, MICROSECONDS / ticks))

    def _count(self, table: pa.Table, name: str | None) -> Any:
        if name in table.column_names:
            return _whole(table[name])
        return pa.nulls(table.num_rows, pa.int64())

    def _kinds_of(self, table: pa.Table) -> tuple[Any, list[Kind | None]]:
        """The kind of each row, as a number, and what the numbers stand for."""
        if not table.num_rows:
            return pa.array([], pa.int32()), []
        columns = [table[name].chunk(0) for name in self._kinds.labels]
        combined = columns[0].indices.cast(pa.int64())
        for column in columns[1:]:
            combined = pc.multiply_checked(combined, max(len(column.dictionary), 1))
            combined = pc.add(combined, column.indices.cast(pa.int64()))
        encoded = combined.dictionary_encode()
        texts = [column.dictionary.to_pylist() for column in columns]
        return encoded.indices, [
            self._kind(texts, place) for place in encoded.dictionary.to_pylist()
        ]

    def _kind(self, texts: Sequence[Sequence[str]], place: int) -> Kind | None:
        cells = []
        for column in reversed(texts):
            place, index = divmod(place, len(column))
            cells.append(column[index])
        return self._kinds.of(tuple(reversed(cells)))


def _taken(values: Sequence[object], rows: pa.Table, kind: Any = None) -> Any:
    """The values of each row, which are given by its kind."""
    return pc.take(pa.array(values, kind or pa.bool_()), rows["kind"])


def _times(rows: pa.Table) -> dict[int, dict[int, int]]:
    """How many rows have which response time, by their key."""
    counted = rows.group_by(["key", "time"], use_threads=False).aggregate([("key", "count")])
    times: dict[int, dict[int, int]] = {}
    columns = (counted[name].to_pylist() for name in ("key", "time", "key_count"))
    for key, time, count in zip(*columns, strict=True):
        if time is not None:
            times.setdefault(key, {})[time] = count
    return times


def _whole(numbers: Any) -> Any:
    """As the other reader rounds them."""
    return pc.floor(pc.add(numbers, 0.5)).cast(pa.int64())


def _rounded(took: Any) -> Any:
    """As :func:`.rounding.rounded`, of microseconds."""
    took = pc.divide(took.cast(pa.float64()), 1000.0)
    result = pc.round(took, LARGEST, "half_to_even")
    for below, digits in reversed(STEPS):
        result = pc.if_else(pc.less(took, below), pc.round(took, digits, "half_to_even"), result)
    return result.cast(pa.int64())
