"""Jenkins: only the address of the build. Its JUnit plugin reads the report.

Source: https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables
"""

from __future__ import annotations

from guard.effects.ci.service import Service

SERVICE = Service(
    name="jenkins",
    title="Jenkins",
    is_here=lambda environ: bool(environ.get("JENKINS_URL")),
    link=lambda environ: environ.get("BUILD_URL"),
)
