"""The engine: snapshots in, transitions and a verdict out.

Pure: it reads no clock, does no I/O and knows neither gevent nor Locust. Time is an argument, in
seconds as float on a monotonic scale that is zero at the start of the test.
"""
