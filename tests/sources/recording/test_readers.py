"""Both readers of a recording come to the same, and so does any order of its rows."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.rule import Selection
from guard.sources.recording import file, lines, recording
from guard.sources.recording.columns import ColumnReader, UnreadableError
from guard.sources.recording.layout import JTL, K6, LAYOUTS, LOCUST
from guard.sources.recording.lines import Block
from guard.sources.recording.recording import Recording
from guard.sources.recording.rows import RowReader
from guard.sources.recording.tally import Concerns, Seconds

EVERYTHING = (Selection("*"),)
HEADERS = {
    LOCUST: "timestamp,request_type,name,response_time_ms,response_length,status_code,exception",
    JTL: "timeStamp,elapsed,label,responseCode,responseMessage,success,failureMessage,bytes,"
    "allThreads",
    K6: "metric_name,timestamp,metric_value,error,expected_response,method,name,status,url",
}
TEXTS = st.text(st.sampled_from('ab"\n,; \r\té*'), max_size=6)
ODD_NUMBERS = st.sampled_from(
    ["", " 5", "1e3", "nan", "inf", "-1", "x", "1_0", "+3", ".5", "1e99", "0x1", '"7"', "1e-320"]
)
MOMENTS = st.one_of(
    st.floats(0, 3e9).map(repr),
    st.integers(0, 100).map(str),
    st.integers(1_700_000_000_000, 1_700_000_100_000).map(str),
    ODD_NUMBERS,
)
TIMES = st.one_of(
    st.integers(0, 20_000).map(str),
    st.floats(0, 1e5).map(lambda ms: f"{ms:.3f}"),
    st.sampled_from(["0.5", "1.5", "145", "155", "9950", "10500", "99.5"]),
    ODD_NUMBERS,
)
WHOLE = st.one_of(st.integers(0, 500).map(str), ODD_NUMBERS)
CELLS = {
    "timestamp": MOMENTS, "timeStamp": MOMENTS, "response_time_ms": TIMES, "elapsed": TIMES,
    "metric_value": TIMES, "response_length": WHOLE, "bytes": WHOLE, "allThreads": WHOLE,
    "metric_name": st.sampled_from(["http_req_duration", "vus", "http_reqs"]),
    "success": st.sampled_from(["true", "false", "TRUE"]),
    "responseMessage": st.one_of(TEXTS, st.just("Number of samples in transaction : 1")),
    "status": st.sampled_from(["200", "503", "0"]),
}  # fmt: skip


@st.composite
def written(draw, layout):
    """A block of lines, most of them as its tool would write them."""
    names = HEADERS[layout].split(",")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.integers(0, 9)) == 0:
            out.write(draw(TEXTS) + "\n")
        else:
            writer.writerow([draw(CELLS.get(name, TEXTS)) for name in names])
    text = out.getvalue()
    return text[: draw(st.integers(0, len(text)))] if draw(st.booleans()) else text


def test_the_fast_reader_takes_what_a_tool_writes():
    """So that the property below is not empty."""
    rows = '1.5,GET,/,12.25,7,200,\n1.6,GET,/,,0,0,"a, ""b"" c"\r\n'
    reader = ColumnReader(LOCUST, HEADERS[LOCUST].split(","), ",")
    assert reader.span(Block(rows.encode(), 2, is_last=True)).requests == 2


def counted(groups):
    """All that is in the groups, however they are made."""
    seconds = Seconds()
    for group in groups:
        seconds.add(group)
    found = {}
    for number, second in seconds._seconds.items():
        entries = {key: tally.counts(0) for key, tally in second.entries.items()}
        found[number] = (second.total_counts(0), entries, second.users)
    return found


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_what_the_fast_reader_takes_it_reads_as_the_plain_one(layout, data):
    block = Block(data.draw(written(layout)).encode(), 2, is_last=data.draw(st.booleans()))
    header = HEADERS[layout].split(",")
    plain, fast = RowReader(layout, header, ","), ColumnReader(layout, header, ",")
    concerns = Concerns((), ("*a*", "b*"))
    try:
        span = fast.span(block)
        groups = list(fast.groups(block, concerns.of, 5_000_000, 1, 10**9))
    except UnreadableError:
        return
    assert (span, []) == plain.span(block)
    assert counted(groups) == counted(plain.groups(block, concerns.of, 5_000_000, 1, 10**9))


def test_moments_whose_unit_their_size_does_not_tell_are_left_to_the_plain_reader():
    """Milliseconds, of which those in the middle look like seconds."""
    rows = "".join(f"{moment},0,a,true,,,0,0\n" for moment in (0.0, 1e9, 1.7e12))
    reader = ColumnReader(
        JTL, ["timeStamp", "elapsed", "label", "success", "x", "y", "bytes", "allThreads"], ","
    )
    with pytest.raises(UnreadableError):
        reader.span(Block(rows.encode(), 2, is_last=True))


ROWS = st.lists(
    st.builds(
        "{:.3f},GET,/{},{:.2f},7,200,{}".format,
        st.floats(1000, 1060),
        st.sampled_from("abc"),
        st.floats(0, 20_000),
        st.sampled_from(["", "503", '"a\nb"']),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(
    rows=ROWS,
    order=st.randoms(use_true_random=False),
    block=st.sampled_from([100, 1000]),
    held=st.sampled_from([1, 10, 1000]),
    arrow_from=st.sampled_from([0, 10**9]),
    files=st.integers(1, 3),
)
def test_neither_order_nor_reading_matters(
    *, tmp_path_factory, rows, order, block, held, arrow_from, files
):
    """However the rows are sorted, cut into blocks, spread over files, read, or read again because
    too much of it would have to be kept."""
    folder = tmp_path_factory.mktemp("order")
    header = "timestamp,request_type,name,response_time_ms,response_length,status_code,exception"

    def read(rows, spread):
        paths = []
        for number in range(spread):
            text = "\n".join([header, *rows[number::spread]])
            (folder / f"{number}.csv").write_text(text + "\n", encoding="utf-8")
            paths.append(str(folder / f"{number}.csv"))
        reading = Recording(paths)
        survey = reading.survey()
        snapshots = reading.snapshots(survey, EVERYTHING, ["503"])
        found = [(now, snapshot, snapshot.failures()) for now, snapshot in snapshots]
        reading.close()
        return found

    expected = read(rows, 1)
    shuffled = list(rows)
    order.shuffle(shuffled)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)
        patch.setattr(recording, "HELD", held)
        patch.setattr(file, "ARROW_FROM", arrow_from)
        spread = min(files, len(rows))
        assert read(shuffled, spread) == expected
