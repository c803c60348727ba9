"""Names of requests from a file, and which rules see them."""

from __future__ import annotations

import pytest

from guard.language.names import RequestName, UnreadableNames, load_names
from guard.language.rulefile import parse_rules


def names_in(tmp_path, content):
    file = tmp_path / "names"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_names(str(file))


def test_one_name_a_line_with_or_without_its_method(tmp_path):
    found = names_in(tmp_path, "\ufeff/checkout\r\nPOST /checkout\n\n  GET /a, b \n/checkout\n")
    assert found == (
        RequestName("/checkout"),
        RequestName("/checkout", "POST"),
        RequestName("/a, b", "GET"),
    )


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            'Type,Name,Request Count\nPOST,/checkout,5\nGET,"/a, ""b""",7\n,Aggregated,12\n',
            id="statistics",
        ),
        pytest.param(
            "Method,Name,Error,Occurrences,First Seen,Last Seen\n"
            'POST,/checkout,"b",1,t,t\nGET,"/a, ""b""","c",1,t,t\n',
            id="failures",
        ),
        pytest.param(
            "timestamp,request_type,name,response_time_ms\n"
            '1.5,POST,/checkout,5\n1.6,GET,"/a, ""b""",7\n1.7,POST,/checkout,6\n',
            id="a log of requests",
        ),
        pytest.param(
            "Timestamp,User Count,Type,Name,Requests/s\n"
            '1,5,POST,/checkout,2\n1,5,GET,"/a, ""b""",3\n1,5,,Aggregated,5\n',
            id="a full history",
        ),
    ],
)
def test_what_locust_writes_is_understood(tmp_path, content):
    assert names_in(tmp_path, content) == (
        RequestName("/checkout", "POST"),
        RequestName('/a, "b"', "GET"),
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "has no names of requests; it takes one name a line, or one of Locust's CSV files"),
        ("Type,Name\n,Aggregated\n", "has no names of requests"),
        (
            "Timestamp,User Count,Type,Name,Requests/s\n1,5,,Aggregated,2\n",
            "has the totals of a run only; give the file of Locust's that ends in _stats.csv$",
        ),
        (
            "Count,Message,Traceback,Nodes\n1,no,File x,local\n",
            "has exceptions, not names of requests; give .* ends in _stats.csv$",
        ),
        (b"/caf\xe9", "not UTF-8"),
        ("Type,Name\nGET," + "x" * 200_000, "not a CSV file: field larger than"),
    ],
    ids=["empty", "only a heading", "a history", "exceptions", "Latin-1", "an endless field"],
)
def test_files_without_names_are_refused(tmp_path, content, complaint):
    with pytest.raises(UnreadableNames, match=complaint) as error:
        names_in(tmp_path, content)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UnreadableNames, match="can't be read: No such file"):
        load_names(str(tmp_path / "gone"))
    with pytest.raises(UnreadableNames, match="can't be read: Is a directory"):
        load_names(str(tmp_path))


@pytest.mark.parametrize(
    ("pattern", "name", "seen"),
    [
        pytest.param("/a", RequestName("/a", "GET"), True, id="every method of a name"),
        pytest.param("GET /a", RequestName("/a", "POST"), False, id="another method"),
        pytest.param("GET /a", RequestName("/a"), True, id="a method that nobody knows"),
        pytest.param("GET *", RequestName("/a"), True, id="a pattern and an unknown method"),
        pytest.param('"FAQ page"', RequestName("page", "FAQ"), True, id="a name like a method"),
        pytest.param('"grpc /svc"', RequestName("grpc /svc"), True, id="a method in lower case"),
        pytest.param("/svc", RequestName("grpc /svc"), True, id="its name alone"),
        pytest.param("/b", RequestName("grpc /svc"), False, id="another name"),
    ],
)
def test_which_rules_see_a_request(pattern, name, seen):
    (rule,) = parse_rules(f"rules: ['avg of {pattern} < 1s']".encode(), "rules.yaml")
    assert name.is_selected(rule.check.selection) == seen
