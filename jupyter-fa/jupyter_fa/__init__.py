"""Persian notebooks right-to-left in JupyterLab, and as offline HTML and PDF through nbconvert."""

__version__ = "0.1.0"
