"""GitLab CI: the final table is a section of the job's log. It reads JUnit files by itself.

Source: https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections
"""

from __future__ import annotations

from guard.effects.ci.service import Report, Service

_CLEAR = "\x1b[0K"
_SECTION = "locust_guard"


def _fold(report: Report) -> tuple[str, str]:
    begin = f"{_CLEAR}section_start:{report.ended}:{_SECTION}\r{_CLEAR}"
    end = f"{_CLEAR}section_end:{report.ended}:{_SECTION}\r{_CLEAR}"
    return begin + report.headline, end


SERVICE = Service(
    name="gitlab",
    title="GitLab CI",
    is_here=lambda environ: environ.get("GITLAB_CI") == "true",
    link=lambda environ: environ.get("CI_JOB_URL"),
    fold=_fold,
)
