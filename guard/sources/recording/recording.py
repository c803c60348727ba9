"""Recordings as a run that can be judged: a snapshot for each of its seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass

from guard.engine.counts import NOTHING
from guard.engine.snapshot import EntryKey, Snapshot, Vitals
from guard.rule import Selection
from guard.sources.recording.dates import text_of
from guard.sources.recording.file import MOST_BAD, RecordingError, RecordingFile
from guard.sources.recording.layout import Layout
from guard.sources.recording.lines import Block
from guard.sources.recording.tally import Concerns, Second, Seconds, Span

HELD = 400_000
"""Different response times, of all seconds and entries, that are kept at a time: some 50 MB."""

LONGEST = 31 * 86_400.0
"""Seconds beyond which a recording is not one of a single run."""

MOST_FAILURES = 1000
"""Different failures that are told apart, the most frequent, beside those of the last time."""

LEAST_SECOND = 0.5
"""How much there must be of the last second for it to be judged as one. A run that a guard stopped
ends with a whole second, but for the time since its last answer; one that ended by itself ends at
any time, and then no guard would have judged once more."""

Progress = Callable[[float], object]
"""Told how much of the work is done, 0 to 1."""


def untold(done: float) -> None:
    """Tells nobody how much is done."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is in a recording, of one file or of several.

    Attributes:
        requests: How many requests.
        entries: Their entries, of which there may be more once there are :data:`MOST_NAMES`.
        zero: When the first was sent, in microseconds since 1970.
        last: When the last was answered.
        bad: How many rows can't be read.
        first_bad: The first of these, as people are told: ``a.csv, line 7: 3 columns ...``.
        has_users: Whether it is known how many users there were.
        spans: What is in each block of each file.
    """

    requests: int
    entries: frozenset[EntryKey]
    zero: int
    last: int
    bad: int
    first_bad: Sequence[str]
    has_users: bool
    spans: Sequence[Sequence[Span]]

    @property
    def duration(self) -> float:
        """Seconds from the first sending to the last answer."""
        return (self.last - self.zero) / 1e6

    def second_of(self, moment: int) -> int:
        """The second after which something that ended then is counted: 1 for the first."""
        return max(-((self.zero - moment) // 1_000_000), 1)


class Recording:
    """The requests of a run that somebody recorded in a file, or in one for each worker.

    The files are read twice: to know when the first request was sent and what is where, and to
    count. So rows may stand in any order, and no more of them is held than their disorder takes.

    Args:
        paths: The files, plain or compressed by gzip; ``-`` is the standard input.
        form: The name of their format; None to tell by their headers.
        may_be_fast: Whether Apache Arrow may be used where it is installed.

    Raises:
        RecordingError: One can't be read, or is of no known format.
    """

    def __init__(
        self, paths: Sequence[str], form: str | None = None, *, may_be_fast: bool = True
    ) -> None:
        self._files: list[RecordingFile] = []
        try:
            for path in paths:
                self._files.append(RecordingFile(path, form, may_be_fast))
        except RecordingError:
            self.close()
            raise

    @property
    def layouts(self) -> list[Layout]:
        """The formats of the files."""
        return list(dict.fromkeys(file.layout for file in self._files))

    @property
    def is_slow(self) -> bool:
        """Whether Apache Arrow is missing where it would have saved time."""
        return any(file.is_slow for file in self._files)

    def close(self) -> None:
        """Read no more."""
        for file in self._files:
            file.close()

    def survey(self, progress: Progress = untold) -> Survey:
        """Look through all of it.

        Args:
            progress: Told how much is done.

        Raises:
            RecordingError: There is no request in it, it can't be read, or is not of a single run.
        """
        size = sum(file.size for file in self._files) or 1
        before = 0
        for file in self._files:
            for share in file.look_through():
                progress((before + share * file.size) / size)
            before += file.size
        spans = [span for file in self._files for span in file.spans]
        bad = sum(file.bad for file in self._files)
        first_bad = [said for file in self._files for said in file.first_bad][:MOST_BAD]
        sent = [span.sent for span in spans if span.sent is not None]
        if not sent:
            named = ", ".join(file.name for file in self._files)
            why = f"; {first_bad[0]}" if first_bad else ""
            raise RecordingError(f"{named}: there is no request in it that can be read{why}")
        last = max(span.last for span in spans if span.last is not None)
        if (last - min(sent)) / 1e6 > LONGEST:
            raise RecordingError(_too_long([file.name for file in self._files], min(sent), last))
        return Survey(
            requests=sum(span.requests for span in spans),
            entries=frozenset[EntryKey]().union(*(file.keys for file in self._files)),
            zero=min(sent),
            last=last,
            bad=bad,
            first_bad=first_bad,
            has_users=any(span.has_users for span in spans),
            spans=[file.spans for file in self._files],
        )

    def snapshots(
        self,
        survey: Survey,
        selections: Collection[Selection] = (),
        failures: Collection[str] = (),
        *,
        ramped_up_at: float | None = None,
        progress: Progress = untold,
    ) -> Generator[tuple[float, Snapshot], None, None]:
        """What was counted in each second, from the first to the last. Less than half a second at
        the end is no second.

        Args:
            survey: What :meth:`survey` found.
            selections: The entries that are needed.
            failures: The patterns of failure texts that are told apart.
            ramped_up_at: When ramp-up was complete, in seconds since the first sending.
            progress: Told how much is done.

        Yields:
            The seconds since the first request was sent, and what is new since the one before.
        """
        concerns = Concerns(selections, failures)
        told = _Told(survey, ramped_up_at)
        end, done = survey.second_of(survey.last), 0
        while done < end:
            seconds, until = Seconds(), end
            for step in self._steps(survey):
                if survey.second_of(step.first) <= until and survey.second_of(step.last) > done:
                    groups = step.file.groups(step.block, concerns, survey.zero, done, until)
                    for group in groups:
                        seconds.add(group, step.number)
                    if seconds.held > HELD:
                        # There is too much to be kept. The later half is read again.
                        until = min(until, seconds.drop_later_half())
                while done < min(until, step.complete):
                    done += 1
                    yield told.snapshot(done, seconds.take(done))
                progress(done / end)
                if done == until:
                    break

    def _steps(self, survey: Survey) -> Iterator[_Step]:
        """The blocks of all files, those with the earliest rows first as far as the files allow."""
        queues = [
            _Queue(file, spans) for file, spans in zip(self._files, survey.spans, strict=True)
        ]
        while waiting := [queue for queue in queues if queue.begin is not None]:
            queue = min(waiting, key=lambda queue: queue.begin or 0)
            span, block = queue.next()
            left = [queue.earliest for queue in queues if queue.earliest is not None]
            complete = survey.second_of(min(left)) - 1 if left else survey.second_of(survey.last)
            if block is not None and span.first is not None and span.last is not None:
                number = queues.index(queue)
                yield _Step(number, queue.file, block, span.first, span.last, complete)


@dataclass(frozen=True, slots=True)
class _Step:
    """A block to be counted.

    Attributes:
        number: The number of its file.
        file: Where it is from.
        block: The block.
        first: The first moment in it, in microseconds since 1970.
        last: The last one.
        complete: The last second of which nothing comes any more after it.
    """

    number: int
    file: RecordingFile
    block: Block
    first: int
    last: int
    complete: int


class _Queue:
    """The blocks of a file that are still to come. Empty ones are passed over."""

    def __init__(self, file: RecordingFile, spans: Sequence[Span]) -> None:
        self.file = file
        self._blocks = file.blocks()
        self._spans = spans
        self._number = 0
        # Of each block, the earliest moment in it or in a later one.
        earliest: list[int | None] = [None]
        for span in reversed(spans):
            moments = [moment for moment in (span.first, earliest[-1]) if moment is not None]
            earliest.append(min(moments, default=None))
        self._earliest = earliest[::-1]

    @property
    def earliest(self) -> int | None:
        """The earliest moment in all that is to come; None if nothing is."""
        return self._earliest[self._number]

    @property
    def begin(self) -> int | None:
        """The earliest moment in the next block; None if there is no other."""
        if self._number == len(self._spans):
            return None
        return self._spans[self._number].first or self.earliest or 0

    def next(self) -> tuple[Span, Block | None]:
        """The next block, and what is in it."""
        span = self._spans[self._number]
        self._number += 1
        return span, next(self._blocks, None)


class _Told:
    """Makes snapshots of seconds.

    Each is of what is new since the one before. So its counts have an epoch of their own.
    """

    def __init__(self, survey: Survey, ramped_up_at: float | None) -> None:
        self._end = survey.duration
        self._ramped_up_at = ramped_up_at
        self._answers = 0
        self._users = _Users(survey)
        self._failed = Counter[tuple[EntryKey, str]]()

    def snapshot(self, number: int, second: Second) -> tuple[float, Snapshot]:
        """When it was over, and what happened in it."""
        total = second.total_counts(number) if second.total else NOTHING
        self._answers += total.requests
        self._users.note(second, number)
        self._note_failures(second)
        # A second that is judged counts as a whole one, or the windows that end with it would reach
        # back further than those of a live guard.
        is_short = 0 < self._end < number - 1 + LEAST_SECOND
        now = self._end if is_short else float(number)
        return now, Snapshot(
            total=total,
            entries=second.counts_of_entries(number),
            vitals=Vitals(users=self._users.number),
            answers=self._answers,
            ramped_up_at=self._ramped_up_at,
            failures=self._failed.copy,
        )

    def _note_failures(self, second: Second) -> None:
        self._failed.update(second.failed)
        if len(self._failed) > 2 * MOST_FAILURES:
            self._failed = Counter(dict(self._failed.most_common(MOST_FAILURES)))


class _Users:
    """How many users there are, of which each file tells its own.

    Attributes:
        number: All that are known of; None if nobody told.
    """

    def __init__(self, survey: Survey) -> None:
        self.number: int | None = None
        self._of: dict[int, int] = {}
        self._last_second = [
            max((survey.second_of(s.last) for s in spans if s.last is not None), default=0)
            for spans in survey.spans
        ]

    def note(self, second: Second, number: int) -> None:
        """Take in what was told in that second. Files that came to their end before tell no more,
        unless all have."""
        self._of |= second.users
        going = [n for file, n in self._of.items() if self._last_second[file] >= number]
        if going:
            self.number = sum(going)


def _too_long(names: Sequence[str], zero: int, last: int) -> str:
    days = (last - zero) / 86_400e6
    return (
        f"{', '.join(names)}: its requests go from {text_of(zero / 1e6)} to {text_of(last / 1e6)}, "
        f"{days:,.0f} days: that is no single run; remove the rows that are not of it"
    )
