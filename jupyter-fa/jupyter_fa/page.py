"""The preprocessor that makes `fa` the template of HTML exports, and gives it its filters.

Other templates keep nbconvert's filters. A preprocessor, because an exporter has its preprocessors
before it looks for its template, and they know whether somebody asked for another one.
"""

from nbconvert.preprocessors import Preprocessor
from traitlets import Bool

from .fonts import FontFaces, css_string
from .markdown import Page, html_output, latex_output, markdown2html, references
from .sanitize import clean_html, fa_cell
from .structure import structured
from .styles import used

FILTERS = {
    "markdown2html": markdown2html,
    "clean_html": clean_html,
    "fa_cell": fa_cell,
    "fa_css": css_string,
    "fa_html": html_output,
    "fa_latex": latex_output,
    "fa_references": references,
    "fa_structure": structured,
    "fa_used": used,
    "fa_fonts": FontFaces,
}


class FaPage(Preprocessor):
    """Chooses the template and holds what one page's filters share."""

    strict = Bool(False, help="Whether a formula that can't be set is an error, not a warning")
    strict.tag(config=True)

    def __init__(self, **options):
        """Make `fa` the template of an exporter whose template nobody chose."""
        super().__init__(**options)
        exporter = self.parent
        if not exporter.trait_has_value("template_name") and exporter.template_name == "lab":
            exporter.template_name = "fa"

    def preprocess(self, nb, resources):
        """Register the filters; the notebook stays as it is."""
        if "fa" in self.parent.get_template_names():
            for name in FILTERS.keys() - self.parent.filters.keys():
                self.parent.register_filter(name, FILTERS[name])
            resources["fa_page"] = Page(self.strict, self.log)
        return nb, resources
