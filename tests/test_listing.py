"""What ``locust-guard check`` prints, to the letter."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from guard import cli
from guard.language.names import load_names
from guard.language.options import OPTIONS
from guard.listing import FORMATS, Checked, check_file, check_stream
from guard.rule import Place

FILES = Path(__file__).parent / "listing"


class Ascii(io.StringIO):
    encoding = "ascii"


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """Messages name files as they were given."""
    monkeypatch.chdir(FILES)


def printed(form, *files, out=None):
    out, err = out or io.StringIO(), io.StringIO()
    names = load_names("names.txt")
    FORMATS[form]([check_file(file, names) for file in files], out, err)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize("form", FORMATS)
def test_a_good_file_and_a_bad_one(form):
    """What is printed stands in FORM.expected. To see it differ: git diff after
    `cd tests/listing && locust-guard check --names names.txt --format FORM shop.yaml broken.yaml`
    has written it anew."""
    out, _ = printed(form, "shop.yaml", "broken.yaml")
    assert out == Path(f"{form}.expected").read_text(encoding="utf-8")


def test_errors_go_to_the_other_stream():
    out, err = printed("text", "broken.yaml")
    assert out == ""
    assert err == (
        "broken.yaml:2:5: rule 1: unknown metric 'p955'; did you mean 'p95'? percentiles are p0 to "
        "p100, e.g. p99.9\n"
        "broken.yaml:3:24: rule 2: unexpected 'or'; a rule is a single check, so make the other a "
        "rule of its own\n"
        "broken.yaml: 2 errors\n"
    )
    for form in ("json", "github"):
        assert printed(form, "broken.yaml")[1] == ""


def test_the_table_fits_into_80_columns():
    out, _ = printed("text", "shop.yaml")
    table = out.split("shop.yaml:")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert not any(line.endswith(" ") for line in table.splitlines())


def test_a_stream_that_knows_only_ascii_gets_ascii():
    out, _ = printed("text", "shop.yaml", out=Ascii())
    assert out.isascii()
    assert "gr\\xfc\\xdfe" in out.replace("\n", "")
    assert "+" in out


def test_json_is_one_document_with_every_option_as_a_value():
    out, _ = printed("json", "shop.yaml", "broken.yaml")
    found = json.loads(out)
    assert found["files"] == ["shop.yaml", "broken.yaml"]
    assert all(set(rule["options"]) == set(OPTIONS) for rule in found["rules"])
    assert found["rules"][2]["options"] == {
        "over": 30.0,
        "for": 10.0,
        "surely": None,
        "after": {"delay": 10.0, "ramp_up": True},
        "min_requests": 100,
        "no_data": "fail",
        "else": "stop",
    }
    assert {warning["name"] for warning in found["warnings"]} >= {"early-stop", "no-such-request"}
    for entry in (*found["rules"], *found["errors"], *found["warnings"]):
        assert entry["file"] in found["files"]
        assert entry["line"] >= 1
        assert entry["column"] >= 1


def test_workflow_commands_are_escaped():
    """``%`` and line ends everywhere, ``:`` and ``,`` in what stands before the message."""
    out, _ = printed("github", "shop.yaml")
    commands = [line for line in out.splitlines() if line.startswith("::")]
    assert commands[-1].startswith(
        "::warning file=shop.yaml,line=16,col=5,title=locust-guard%3A redundant::"
        "fail_ratio < 3%25: it says nothing more than 'fail_ratio < 1%25' in line 3"
    )
    checked = check_file("shop.yaml")
    rule = replace(checked.warnings[0].rule, place=Place("a:b,c%.yaml", 1, 2), name="two\nlines")
    odd = Checked("odd", checked.rules, (), [replace(checked.warnings[0], rule=rule)])
    out = io.StringIO()
    FORMATS["github"]([odd], out, out)
    assert "::warning file=a%3Ab%2Cc%25.yaml,line=1,col=2," in out.getvalue()
    assert "two%0Alines: " in out.getvalue()


def test_a_rule_from_another_file_says_so():
    checked = check_file("shop.yaml")
    rule = replace(checked.rules[0], place=Place("base.yaml", 7, 5))
    out = io.StringIO()
    FORMATS["text"]([Checked("shop.yaml", [rule])], out, out)
    assert "(from base.yaml:7:5)" in out.getvalue()


def test_a_stream_is_read_as_a_file_is():
    checked = check_stream(io.BytesIO(b"rules: [p95 < 505ms]"))
    assert checked.summary == "<stdin>: 1 rule, 1 warning"
    assert str(checked.warnings[0].place) == "<stdin>:1:9"
    assert check_stream(io.BytesIO(b"#" * 200_000)).summary == "<stdin>: 1 error"


@pytest.mark.parametrize(
    ("rules", "summary"),
    [
        (b"rules: [avg < 1s]", "<stdin>: 1 rule, no warnings"),
        (b"rules: [avg < 1s, max < 9s]", "<stdin>: 2 rules, no warnings"),
        (b"rules: []", "<stdin>: 1 error"),
    ],
)
def test_the_closing_line_counts(rules, summary):
    assert check_stream(io.BytesIO(rules)).summary == summary


def test_the_command_offers_the_formats_that_there_are():
    assert tuple(FORMATS) == cli.FORMATS
