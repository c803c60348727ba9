"""Recordings of requests: files with a row a request, in the formats of Locust, JMeter and k6."""
