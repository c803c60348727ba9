"""What a recording says, format by format and oddity by oddity."""

from __future__ import annotations

import csv
import gzip
import io
import sys

import pytest

from guard.language.rulefile import parse_rules
from guard.playback import play
from guard.rule import Outcome, Selection
from guard.sources.recording import lines
from guard.sources.recording.file import RecordingError
from guard.sources.recording.recording import Recording

pytestmark = pytest.mark.usefixtures("reader")

EVERYTHING = (Selection("*"),)
HEADER = "timestamp,request_type,name,response_time_ms,response_length,status_code,exception"
JTL = "timeStamp,elapsed,label,responseCode,responseMessage,success,failureMessage,bytes,allThreads"
K6 = "metric_name,timestamp,metric_value,error,expected_response,method,name,status,url"


def surveyed(*files, form=None):
    return Recording(files, form).survey()


def totals(snapshots):
    """Requests, failures and response times by second, where there are any."""
    return {
        now: (s.total.requests, s.total.failures, dict(s.total.response_times))
        for now, s in snapshots.items()
        if s.total.requests
    }


def test_a_request_counts_in_the_second_in_which_it_was_answered(write, seconds_of):
    """Sent at 0 s and at 0.9 s, answered at 0.5 s, 1 s and 2.9 s."""
    file = write("100,GET,/a,500,10,200,", "100.9,GET,/a,100,20,200,", "100.9,POST,/b,2000,30,200,")
    snapshots = seconds_of(file, selections=EVERYTHING)
    assert list(snapshots) == [1.0, 2.0, 3.0]
    assert totals(snapshots) == {1.0: (2, 0, {500: 1, 100: 1}), 3.0: (1, 0, {2000: 1})}
    first = snapshots[1.0]
    assert (first.total.content_length, first.total.response_time) == (30, 600.0)
    assert (first.total.fastest, first.total.slowest) == (100.0, 500.0)
    assert set(first.entries) == {("GET", "/a")}
    assert [s.answers for s in snapshots.values()] == [2, 2, 3]


@pytest.mark.parametrize(("took", "second"), [("100", 1.0), ("100.001", 2.0)])
def test_a_second_ends_with_its_end(write, seconds_of, took, second):
    file = write(f"100.9,GET,/,{took},0,200,", "100,GET,/,1,0,200,", "102,GET,/,1,0,200,")
    assert second in totals(seconds_of(file))
    assert sum(requests for requests, _, _ in totals(seconds_of(file)).values()) == 3


@pytest.mark.parametrize(
    ("took", "counted"),
    [("0.5", 0), ("1.5", 2), ("99.49", 99), ("99.6", 100), ("104.99", 100), ("105", 100),
     ("115", 120), ("147", 150), ("994.9", 990), ("999", 1000), ("3432", 3400), ("9950", 10_000),
     ("58760", 59_000)],
)  # fmt: skip
def test_response_times_are_rounded_as_locust_rounds_them(write, seconds_of, took, counted):
    (snapshot,) = list(seconds_of(write(f"0,GET,/,{took},0,200,")).values())[-1:]
    assert dict(snapshot.total.response_times) == {counted: 1}


def test_a_request_without_a_response_time_counts_when_it_was_sent(write, seconds_of):
    snapshots = seconds_of(write("10,GET,/,500,0,200,", "11.5,GET,/,,0,0,lost"))
    assert totals(snapshots) == {1.0: (1, 0, {500: 1}), 2.0: (1, 1, {})}


def test_a_run_of_one_moment_has_its_first_second(write, seconds_of):
    assert totals(seconds_of(write("10,GET,/,0,0,200,"))) == {1.0: (1, 0, {0: 1})}


@pytest.mark.parametrize(
    ("last", "judged"),
    [("10.4", [1.0, 1.4]), ("10.5", [1.0, 2.0]), ("10.999", [1.0, 2.0]), ("11", [1.0, 2.0])],
)
def test_half_a_second_at_the_end_is_judged_as_one(write, seconds_of, last, judged):
    """The rest of a shorter one is judged with the totals only, as when a run ends by itself."""
    snapshots = seconds_of(write("9,GET,/,1000,0,200,", f"{last},GET,/,0,0,200,"))
    assert list(snapshots) == judged


@pytest.mark.parametrize(("last", "at"), [(19.4, 19.4), (19.5, 20.0), (19.9, 20.0), (20.0, 20.0)])
def test_windows_are_as_long_as_those_of_a_live_guard(write, last, at):
    """Failures are answered between 14 and 15 s. From 15 to 19 s they are in the last five; at 20 s
    they would not be, and are not at the end. So they never were for 6 s."""
    lines = [f"{n / 10},GET,/,1,0,200," for n in range(int(last * 10))]
    lines += ["14.3,GET,/,1,0,503,bad"] * 50 + [f"{last - 0.001:.3f},GET,/,1,0,200,"]
    reading = Recording([write(*lines)])
    rules = parse_rules(b"rules: [fail_ratio < 10% over 5s for 6s]", "rules.yaml")
    story = play(rules, reading.snapshots(reading.survey()))
    (result,) = story.verdict.rules
    assert (story.verdict.duration, result.outcome, result.pending_at) == (
        at, Outcome.PASS, 14.0 if last < 19.5 else None,
    )  # fmt: skip


def test_failure_texts_are_told_apart(write, seconds_of):
    file = write('5,GET,/,1,0,503,"503 Server Error: ""no, thanks""\nat all"', "5,GET,/,1,0,0,lost")
    (snapshot,) = seconds_of(file, failures=["*503*", "lost", "*no, thanks*"]).values()
    assert snapshot.total.failures_like == {"*503*": 1, "lost": 1, "*no, thanks*": 1}


def test_jmeter_with_threads(write, seconds_of):
    file = write(
        "1700000000000,100,GET /a,200,OK,true,,10,5",
        "1700000000500,,login,,Non HTTP response,false,,10,7",
        "1700000001500,100,GET /a,500,Oops,false,Test failed: code,10,6",
        header=JTL,
    )
    snapshots = seconds_of(file, selections=EVERYTHING, failures=["500 Oops: Test*", "Non HTTP*"])
    assert [s.vitals.users for s in snapshots.values()] == [7, 6]
    assert set(snapshots[1.0].entries) == {("GET", "/a"), ("", "login")}
    assert snapshots[1.0].total.failures_like == {"Non HTTP*": 1}
    assert snapshots[2.0].total.failures_like == {"500 Oops: Test*": 1}


@pytest.mark.parametrize(
    ("status", "asserted", "text"),
    [
        ("503,Unavailable", "expected /ok/", "503 Unavailable: expected /ok/"),
        ("503,Unavailable", "", "503 Unavailable"),
        ("200,OK", "expected /ok/", "expected /ok/"),
        (",Non HTTP", "", "Non HTTP"),
        ("200,", "", "200"),
        (",", "", "failed"),
    ],
)
def test_why_a_request_of_jmeter_failed(write, seconds_of, status, asserted, text):
    """The status is told also where an assertion failed, unless it was a good one."""
    (snapshot,) = seconds_of(write(f"1,100,a,{status},false,{asserted},10,5", header=JTL)).values()
    assert snapshot.failures() == {(("", "a"), text): 1}


def test_users_of_several_files_add_up(write, seconds_of):
    """One of two generators comes to its end after a second, the other after two."""
    rows = {"a": [(0, 10), (900, 10)], "b": [(100, 4), (800, 7), (1500, 8)]}
    files = [
        write(*(f"{at},10,x,200,OK,true,,1,{n}" for at, n in rows[name]), header=JTL, name=name)
        for name in rows
    ]
    assert [s.vitals.users for s in seconds_of(*files).values()] == [17, 8]


def test_what_failed_so_far(write, seconds_of):
    lines = (
        "1,GET,/a,1,0,500,x",
        "1,GET,/b,1,0,500,x",
        "2.5,GET,/a,1,0,500,x",
        "2.9,GET,/a,1,0,200,",
    )
    reading = Recording([write(*lines)])
    found = [snapshot.failures() for _, snapshot in reading.snapshots(reading.survey())]
    a, b = (("GET", "/a"), "x"), (("GET", "/b"), "x")
    assert found == [{a: 1, b: 1}, {a: 2, b: 1}]


def test_a_transaction_of_jmeter_is_in_its_entry_but_not_in_the_total(write, seconds_of):
    sum_of = '"Number of samples in transaction : 2, number of failing samples : 0"'
    file = write(
        "0,100,GET /a,200,OK,true,,1,1",
        "100,100,GET /b,200,OK,true,,1,1",
        f"0,200,order,,{sum_of},true,,2,1",
        header=JTL,
    )
    (snapshot,) = seconds_of(file, selections=EVERYTHING).values()
    assert snapshot.total.requests == surveyed(file).requests == 2
    assert snapshot.entries["", "order"].requests == 1


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_of_jmeter(write, seconds_of, delimiter):
    rows = [JTL, "0,100,GET /a,200,OK,true,,1,1"]
    header, row = (line.replace(",", delimiter) for line in rows)
    assert totals(seconds_of(write(row, header=header))) == {0.1: (1, 0, {100: 1})}


@pytest.mark.parametrize(
    "date",
    ["2026/01/01 12:00:00.500", "2026-01-01 12:00:00,500", "2026-01-01T12:00:00.500Z",
     "2026-01-01T14:00:00.500+02:00", "1767268800500", "1767268800.5", "1767268800500000",
     "1767268800500000000"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["jtl", "locust"])
def test_moments_are_understood_however_they_are_written(write, form, date):
    if form == "jtl":
        file = write(f'"{date}",100,GET /a,200,OK,true,,1,1', header=JTL)
    else:
        file = write(f'"{date}",GET,/,100,0,200,')
    assert surveyed(file).zero == 1767268800500000


def test_k6_tells_the_end_of_a_request_in_whole_seconds(write, seconds_of):
    file = write(
        "http_req_waiting,105,90,,true,GET,/a,200,/a",
        "http_req_duration,105,2000,,true,GET,/a,200,/a",
        "vus,105,7,,,,,,",
        "http_req_duration,107,100,,false,GET,,503,http://x/b",
        "vus,109,3,,,,,,",
        header=K6,
    )
    snapshots = seconds_of(file, selections=EVERYTHING, failures=["status 503"])
    assert totals(snapshots) == {2.0: (1, 0, {2000: 1}), 4.0: (1, 1, {100: 1})}
    assert [s.vitals.users for s in snapshots.values()] == [None, 7, 7, 7, 7, 3]
    assert set(snapshots[4.0].entries) == {("GET", "http://x/b")}
    assert snapshots[4.0].total.failures_like == {"status 503": 1}


def test_nobody_knows_the_users_where_no_column_tells_them(write, seconds_of):
    file = write("0,GET,/,1,0,200,")
    assert not surveyed(file).has_users
    assert [s.vitals.users for s in seconds_of(file).values()] == [None]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("oops", "1 column instead of 7"),
        ("1,GET,/,2,3,4,,8", "8 columns instead of 7"),
        ("x,GET,/,1,0,200,", "'x' is neither a number nor a date"),
        ("-5,GET,/,1,0,200,", "'-5' is no moment since 1970"),
        ("nan,GET,/,1,0,200,", "'nan' is no moment since 1970"),
        ("1,GET,/,slow,0,200,", "response_time_ms is 'slow', which is no number"),
        ("1,GET,/,-1,0,200,", "response_time_ms is -1, which no request takes"),
        ("1,GET,/,inf,0,200,", "response_time_ms is inf, which is beyond all measure"),
    ],
)
def test_a_bad_row_is_counted_and_named(write, row, why):
    """Line 4, as a quoted text goes over two lines before."""
    file = write('0,GET,/,1,0,0,"a\nb"', row, "1,GET,/,1,0,200,")
    survey = surveyed(file)
    assert (survey.requests, survey.bad) == (2, 1)
    assert survey.first_bad == [f"{file}, line 4: {why}"]


def test_of_many_bad_rows_the_first_ones_are_named(write):
    survey = surveyed(write("0,GET,/,1,0,200,", *["oops"] * 50))
    assert (survey.bad, len(survey.first_bad)) == (50, 10)


@pytest.mark.parametrize("cut", ["1", "1,GET", "1,GET,/,5,0,200", '1,GET,/,5,0,0,"so lo'])
def test_a_last_line_that_is_cut_off_is_no_bad_row(tmp_path, write, cut):
    file = tmp_path / "cut.csv"
    file.write_text(open(write("0,GET,/,1,0,200,")).read() + cut)  # noqa: PTH123, SIM115
    assert surveyed(str(file)).bad == 0


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_put_after_each_other_have_their_headers_twice(write, tmp_path, seconds_of, end):
    one = write("0,GET,/,1,0,200,", "", name="one", end=end)
    two = write("1,GET,/,1,0,200,", name="two", end=end)
    both = tmp_path / "both.csv"
    bom = b"\xef\xbb\xbf"
    both.write_bytes(b"".join(bom + open(file, "rb").read() for file in (one, two)))  # noqa: PTH123, SIM115
    survey = surveyed(str(both))
    assert (survey.requests, survey.bad) == (2, 0)


def test_a_stray_quote_loses_no_more_than_its_row(write):
    rows = [f"{n},GET,/,1,0,200," for n in range(50)]
    survey = surveyed(write(*rows, '7,GET,/a"b,1,0,200,', *rows))
    assert (survey.requests, survey.bad) == (101, 0)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(['7,GET,/,1,0,503,"503 Se'], id="row"),
        pytest.param(['7,GET,/,1,0,503,"503 Se', HEADER], id="row before another recording"),
        pytest.param(['7,GET,"/,1,0,503,503'], id="column"),
    ],
)
@pytest.mark.parametrize("after", ["", '9,GET,/,1,0,503,"at last', '9,GET,/,1,0,503,"ok"'])
def test_a_quotation_that_does_not_end_is_a_bad_row_and_no_more(write, broken, after):
    """However many rows it seems to hold, and whether another quote ends it by chance. One at the
    very end may have been cut off there."""
    good = [f"{n},GET,/,1,0,200," for n in range(50)]
    survey = surveyed(write(*good, *broken, *good, after, *good[:1] if after[-1:] == '"' else ()))
    assert survey.bad == 1
    assert survey.first_bad[0].endswith("line 52: a quotation begins here that does not end")
    assert survey.requests == 100 + (after != "") + (after[-1:] == '"')


def test_what_a_quotation_holds_is_no_row(write):
    text = "Traceback\n  File x, line 1, in y\n1,2,3\n\nValueError"
    survey = surveyed(write(f'1,GET,/,1,0,503,"{text}"', "2,GET,/,1,0,200,"))
    assert (survey.requests, survey.bad) == (2, 0)


@pytest.mark.parametrize("cut", [0, 30], ids=["whole", "cut"])
def test_gzip(write, tmp_path, cut):
    content = open(write(*(f"{n},GET,/,{n},0,200," for n in range(2000))), "rb").read()  # noqa: PTH123, SIM115
    packed = gzip.compress(content)
    file = tmp_path / "run.csv.gz"
    file.write_bytes(packed[: len(packed) - cut])
    survey = surveyed(str(file))
    assert survey.requests == 2000 if not cut else 0 < survey.requests < 2001
    told = [f"{file}: is cut off: its compressed data end too early"] if cut else []
    assert (survey.bad, survey.first_bad) == (len(told), told)


def test_a_failure_may_carry_a_page_of_text(write):
    limit = csv.field_size_limit()
    assert surveyed(write(f"0,GET,/,1,0,500,{'x' * 2 * limit}")).requests == 1
    assert csv.field_size_limit() == limit


def test_the_standard_input(write, monkeypatch):
    content = open(write("0,GET,/,1,0,200,"), "rb").read()  # noqa: PTH123, SIM115
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert surveyed("-").requests == 1


@pytest.mark.parametrize(
    ("content", "form", "said"),
    [
        (None, None, "can't be read: No such file or directory"),
        ("", None, "is empty"),
        (
            "a,b\n1,2\n",
            None,
            "its first line is of no known format: 'a,b'; Locust's CsvRequestLogger has ",
        ),
        (
            "Type,Name,Request Count,Failure Count\nGET,/,1,0\n",
            None,
            "holds the statistics of locust --csv",
        ),
        ("Timestamp,User Count,Type,Name\n1,1,,x\n", None, "holds the statistics of locust --csv"),
        ('<?xml version="1.0"?>\n<testResults>', None, "is JMeter's XML; let it write CSV"),
        ('{"type":"Metric"}\n', None, "is JSON; let k6 write CSV"),
        ("1700000000000,12,GET /,200,OK,true\n", None, "has no header; let JMeter write one"),
        ("a\0b\0", None, "is in UTF-16; save it as UTF-8"),
        (f"{JTL}\n", "k6", "is not k6's CSV output: its first line lacks method, metric_name, "),
        (f"{JTL}\n", None, "there is no request in it that can be read"),
        (f"{JTL}\noops\n", None, "there is no request in it that can be read; "),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path, content, form, said):
    file = tmp_path / "run.csv"
    if content is not None:
        file.write_text(content)
    with pytest.raises(RecordingError) as error:
        surveyed(str(file), form=form)
    assert str(error.value).startswith(f"{file}: {said}")


def test_rows_of_another_age_are_of_no_single_run(write):
    """A moment of zero would make a run of half a century, judged second by second."""
    file = write("0,GET,/,1,0,200,", "1700000000,GET,/,1,0,200,")
    with pytest.raises(RecordingError) as error:
        surveyed(file)
    assert str(error.value) == (
        f"{file}: its requests go from 1970-01-01T00:00:00+00:00 to 2023-11-14T22:13:20+00:00, "
        "19,676 days: that is no single run; remove the rows that are not of it"
    )


def test_a_folder_is_no_recording(tmp_path):
    with pytest.raises(RecordingError, match="can't be read: Is a directory"):
        surveyed(str(tmp_path))


def test_nothing_is_kept_longer_than_it_must_be(write, monkeypatch):
    """A sorted file is read once after the survey, block by block."""
    monkeypatch.setattr(lines, "BLOCK", 1000)
    reading = Recording([write(*(f"{n / 10:.1f},GET,/,{n % 90},0,200," for n in range(5000)))])
    survey = reading.survey()
    assert len(survey.spans[0]) > 50
    steps = list(reading._steps(survey))
    assert len(steps) == len(survey.spans[0])
    waiting = [survey.second_of(step.last) - step.complete for step in steps[:-1]]
    assert max(waiting) <= 2
