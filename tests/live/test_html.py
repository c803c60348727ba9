"""The report of a real run, in a real browser."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import chromium
import pytest
from chromium import Chromium

FOLDER = Path(__file__).parents[2] / "examples" / "quickstart"
SCREENSHOTS = "GUARD_TEST_SCREENSHOTS"
"""Names the folder in which screenshots are kept, for people to look at."""

RULES = "rules:\n  - requests > 0\n"
EARLIER = "<!DOCTYPE html>\n<!-- A report of locust-guard -->\n"


@pytest.fixture(scope="module")
def browser():
    if chromium.program() is None:
        pytest.skip("there is no Chromium here; install Debian's package chromium")
    with Chromium() as browser:
        yield browser


@pytest.fixture
def keep(tmp_path):
    """Where a screenshot of that name is kept."""
    folder = Path(os.environ.get(SCREENSHOTS) or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return lambda name: folder / name


def sideways(browser):
    """By how many pixels the page is wider than the window."""
    return browser.asks("document.documentElement.scrollWidth - innerWidth")


def test_the_report_of_the_quickstart(start, free_port, browser, keep):
    run = start(
        *("-u", "20", "-r", "10", "-t", "60s", "--shop-bad-after", "4"),
        *("--shop-port", str(free_port()), "--guard-html", "report.html"),
        rules=(FOLDER / "rules.yaml").read_text(),
        locustfile=(FOLDER / "locustfile.py").read_text(),
    )
    assert run.exit_code() == 3
    assert "Traceback" not in run.output
    report = run.verdict_file.parent / "report.html"
    assert report.stat().st_size < 3_000_000
    for width, dark in ((1280, False), (1280, True), (380, False), (380, True)):
        browser.open(report, width, dark=dark)
        name = f"quickstart-{width}-{'dark' if dark else 'light'}.png"
        browser.screenshot(keep(name))
        assert browser.asks("document.documentElement.dataset.charts") == "drawn"
        assert sideways(browser) <= 0, name
        # Each chart has lines, and they are within it.
        drawn = browser.asks(
            "[...document.querySelectorAll('[data-chart]')]"
            ".map((place) => [place.querySelectorAll('svg .scatterlayer path.js-line').length,"
            " place.querySelector('svg').getBoundingClientRect().width <= place.clientWidth])"
        )
        assert len(drawn) == 1 + len(run.verdict["rules"])
        assert all(lines >= 2 and fits for lines, fits in drawn), name
        paper, ink = browser.asks(
            "[getComputedStyle(document.body).backgroundColor,"
            " getComputedStyle(document.querySelector('.chart .xtick text')).fill]"
        )
        assert (lightness(paper) < lightness(ink)) is dark, name
    said = browser.asks("document.body.innerText")
    assert run.verdict["reason"] in said
    assert "breach, stop" in browser.asks(
        "[...document.querySelectorAll('.annotation-text')].map((text) => text.textContent).join()"
    )
    browser.print(keep("quickstart.pdf"))
    assert browser.errors == []
    assert set(browser.requests) == {report.as_uri()}


def lightness(colour):
    return sum(map(int, re.findall(r"\d+", colour)[:3]))


def test_charts_are_of_the_paper_s_width_when_printed(browser, tmp_path, replayed):
    """And of the window's afterwards."""
    browser.open(replayed, 380)
    width = "document.querySelector('.chart svg').getBoundingClientRect().width"
    before = browser.asks(width)
    browser.asks("dispatchEvent(new Event('beforeprint'))")
    assert browser.asks(width) > 600
    browser.asks("dispatchEvent(new Event('afterprint'))")
    assert browser.asks(width) == before < 380


@pytest.fixture
def replayed(tmp_path):
    """The report of a replay whose names are not what one would wish for."""
    name = '"</script><img src=x onerror=alert(1)>\x1b[31m ]]> 💣' + "x" * 500 + '"'
    header = "timestamp,request_type,name,response_time_ms,response_length,status_code,exception"
    rows = [
        f"{1_700_000_000 + n / 10:.3f},GET,{name},{900 if n > 200 else 90},10,200,"
        f"{name if n > 200 else ''}"
        for n in range(400)
    ]
    (tmp_path / "run.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    (tmp_path / "rules.yaml").write_text("rules: [p95 of each * < 500ms over 5s for 3s]")
    command = [sys.executable, "-m", "guard", "replay", "run.csv", "--html", "report.html"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    return tmp_path / "report.html"


@pytest.mark.parametrize("width", [1280, 380])
def test_hostile_names_do_nothing_in_a_browser(browser, keep, replayed, width):
    browser.errors.clear()
    browser.requests.clear()
    browser.open(replayed, width)
    browser.screenshot(keep(f"hostile-{width}.png"))
    assert browser.asks("document.images.length") == 0
    assert browser.asks("document.querySelectorAll('svg a').length") == 0
    assert sideways(browser) <= 0
    assert browser.errors == []
    assert set(browser.requests) == {replayed.as_uri()}


def test_a_page_of_ours_runs_no_script_of_others(browser, tmp_path, replayed):
    """Not even if one got in."""
    text = replayed.read_text(encoding="utf-8")
    replayed.write_text(
        text.replace("</main>", "<script>document.title = 'taken'</script></main>"),
        encoding="utf-8",
    )
    browser.open(replayed)
    assert browser.asks("document.title") != "taken"
    assert any("Content Security Policy" in error for error in browser.errors)
    browser.errors.clear()


@pytest.mark.parametrize(
    ("there", "exit_code"),
    [("<!DOCTYPE html>\n<p>mine", 2), (EARLIER, 0), ("", 0), (None, 0)],
    ids=["something else", "an earlier report", "an empty file", "nothing"],
)
def test_what_is_there_is_replaced_only_if_it_is_a_report(start, there, exit_code):
    files = {} if there is None else {"report.html": there}
    env = {"LOCUST_GUARD_HTML": "report.html"}
    run = start("-t", "2s", rules=RULES, files=files, env=env)
    assert run.exit_code() == exit_code
    report = run.verdict_file.parent / "report.html"
    if exit_code:
        run.says("--guard-html: report.html is there already, and is no report of locust-guard")
        assert report.read_text() == there
    else:
        assert "✔" in report.read_text(encoding="utf-8")


def test_an_earlier_report_is_gone_when_a_run_can_not_start(start):
    run = start("--guard-html", "report.html", rules="rules: [p955 < 1s]",
                files={"report.html": EARLIER})  # fmt: skip
    assert run.exit_code() == 2
    assert not (run.verdict_file.parent / "report.html").exists()


def test_a_report_that_can_not_be_written_changes_nothing_else(start):
    run = start("-t", "2s", "--guard-html", "/proc/none/r.html", rules=RULES)
    assert run.exit_code() == 0
    run.says("can't write the report of locust-guard to /proc/none/r.html")
    assert run.verdict["final"] is True


def test_a_run_that_never_began_has_a_report(start, ports):
    options = ("--master", "--expect-workers", "1", *ports, "--guard-html", "report.html")
    run = start(*options, rules="rules: [p95 < 1s]")
    run.says("Waiting for workers to be ready")
    run.signal(signal.SIGTERM)
    assert run.exit_code() == 4
    text = (run.verdict_file.parent / "report.html").read_text(encoding="utf-8")
    assert "There is nothing to show" in text
    figures = json.loads(re.search('id="figures">(.*?)</script>', text)[1])
    assert figures == {}
