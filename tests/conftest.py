"""What a cell of the report would display, caught for the tests."""

import pytest


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
