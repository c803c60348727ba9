"""Stands for locust-plugins where it is not installed, as with most people: Locust loads it by
itself where it finds it."""

raise ModuleNotFoundError("No module named 'locust_plugins'")
