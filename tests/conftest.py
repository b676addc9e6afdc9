"""What a cell of the report would display, caught for the tests; and signals that are heard."""

import signal

import pytest


@pytest.fixture(autouse=True, scope="session")
def heard_hangups():
    """Under nohup SIGHUP is ignored, and what a test starts would inherit that, but no handler."""
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture
def displayed(monkeypatch):
    """The (object, metadata) pairs that were displayed, on real data."""
    import evidence
    import figures
    import persian

    shown = []
    for module in (persian, figures):
        monkeypatch.setattr(
            module, "display", lambda obj, metadata=None: shown.append((obj, metadata))
        )
    monkeypatch.setattr(evidence, "_source", "Fashion-MNIST")
    monkeypatch.setattr(figures, "_figures", [])
    return shown
