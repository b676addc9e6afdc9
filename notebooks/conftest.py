"""For nbval: what Python calls an object is no word of the report."""


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("text/plain",)
