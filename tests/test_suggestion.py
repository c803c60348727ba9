"""Limits with two digits, on the safe side of what was seen."""

from __future__ import annotations

import pytest

from guard.suggestion import _as_yaml, _rounded


@pytest.mark.parametrize(
    ("value", "up", "rounded"),
    [
        (0.0123, True, 0.013),
        (0.012, True, 0.012),
        (0.07, True, 0.07),
        (1.2, True, 2.0),
        (99.1, True, 100.0),
        (118.75, True, 120.0),
        (1125.0, True, 1200.0),
        (1200.0, True, 1200.0),
        (14.4, False, 14.0),
        (0.349, False, 0.34),
        (0.0, False, 0.0),
    ],
)
def test_two_digits(value, up, rounded):
    assert _rounded(value, up=up) == rounded


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("p95 of GET / < 1s", "p95 of GET / < 1s"),
        ('p95 of "a: b" < 1s', '"p95 of \\"a: b\\" < 1s"'),
        ('p95 of "/${a}" < 1s', 'p95 of "/$${a}" < 1s'),
        ('p95 of "a #b" < 1s', '"p95 of \\"a #b\\" < 1s"'),
    ],
)
def test_a_line_is_quoted_where_yaml_needs_it(line, written):
    assert _as_yaml(line) == written
