"""Settings for all tests."""

import os

# Locust patches the standard library when it is imported. Tests that look at its classes run in
# threads of pytest's own; the processes that they start are patched as usual.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
