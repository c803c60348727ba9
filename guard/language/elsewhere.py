"""What other tools, and everyday speech, call the words of the language."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from guard.engine import metrics
from guard.engine.metrics import Metric, RunMetric
from guard.language.errors import did_you_mean
from guard.rule import Unit

METRICS = {
    "http_req_duration": "p95",
    "http_req_failed": "fail_ratio",
    "http_reqs": "rps",
    "vus": "users",
    "rate": "fail_ratio",
    "error_rate": "fail_ratio",
    "errorRate": "fail_ratio",
    "errors": "failures",
    "error": "fail_ratio",
    "fail": "fail_ratio",
    "mean": "avg",
    "average": "avg",
    "med": "median",
    "hits": "rps",
    "throughput": "rps",
    "count": "requests",
    "latency": "p95",
    "response_time": "p95",
    "responseTime": "p95",
    "rt": "avg",
    "avg-rt": "avg",
    "quantile": "p95",
    "percentile": "p95",
    "bytes": "content_length",
    "time": "avg",
    "total_time": "p90",
    "http": "fail_ratio",
    "net": "fail_per_sec",
    "instances": "users",
}
"""Metrics."""

KEYS = {
    "action": "else",
    "on_breach": "else",
    "on_fail": "else",
    "then": "else",
    "duration": "for",
    "hold": "for",
    "holds": "for",
    "during": "over",
    "every": "over",
    "in": "over",
    "interval": "over",
    "last": "over",
    "period": "over",
    "timeframe": "over",
    "window": "over",
    "within": "over",
    "min_count": "min_requests",
    "min_samples": "min_requests",
    "samples": "min_requests",
    "delay": "after",
    "start": "after",
    "warmup": "after",
    "warm_up": "after",
    "missing": "no_data",
    "comment": "because",
    "description": "because",
    "message": "because",
    "note": "because",
    "reason": "because",
    "why": "because",
    "alert": "name",
    "id": "name",
    "title": "name",
    "assert": "check",
    "condition": "check",
    "expr": "check",
    "expression": "check",
    "metric": "check",
    "rule": "check",
    "threshold": "check",
}
"""Keys of a rule, the words of its options among them."""

COMPARISONS = {"under": "<", "below": "<", "lt": "<", "above": ">", "exceeds": ">", "gt": ">"}
"""Comparisons."""

_LOOKALIKES = str.maketrans("аАеЕоОрРсСуУхХіІѕЅ", "aAeEoOpPcCyYxXiIsS")  # noqa: RUF001 - Cyrillic
_LIMITS = {
    Unit.MILLISECONDS: "< 500ms",
    Unit.SECONDS: "< 30s",
    Unit.RATIO: "< 1%",
    Unit.RATE: "> 50",
    Unit.COUNT: "< 100",
    Unit.BYTES: "< 5MB",
}


def key_meant(key: str, legal: Sequence[str]) -> str:
    """``; did you mean 'over'?`` when one of the legal keys has that meaning or is spelt nearly so,
    else nothing."""
    meant = KEYS.get(key.lower().replace("-", "_"))
    return f"; did you mean {meant!r}?" if meant in legal else did_you_mean(key, legal)


def latin(name: str) -> str:
    """The name with the Latin letters and digits that some of its characters only look like."""
    return unicodedata.normalize("NFKC", name).translate(_LOOKALIKES)


def example(key: str) -> str | None:
    """A check of the metric that goes by that name here or elsewhere; None where there is none."""
    metric: Metric | RunMetric | None = metrics.find(METRICS.get(key, key))
    return f"{metric.name} {_LIMITS[metric.unit]}" if metric else None
