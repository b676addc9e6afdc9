"""A Persian notebook with one of everything, built without a kernel."""

import base64
import io

import nbformat
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

SENTENCE = "هر خیابانی به میدانی می‌رسد و هر میدان، نامی کهن دارد."
LAST_SENTENCE = "این آخرین جملهٔ دفتر است؛ می‌بینید که به پایان رسیده‌ایم."
ALT = "نمودار: خط آبی از پایین چپ به بالا راست می‌رود."
TITLE = "دفتر نمونهٔ فارسی"
FORMULAS = [
    r"\sin x + \log(x) + 2\cos^2\theta",
    r"\hat y = \mathbf{W}^\top \mathbf{x} + b",
    r"\lVert w \rVert_2 = \sqrt{\sum_j w_j^2}",
    r"\frac{\partial L}{\partial W} = -\delta\,a^\top",
    r"\alpha = ۰٫۰۱",
    r"f'(x) \le \cancel{y}",
]
DISPLAY = [
    r"J(\theta) = \frac{1}{2m} \left[ \sum_{i=1}^{m} \left( h_\theta(x^{(i)}) - y^{(i)} \right)^2 "
    r"+ \gamma \sum_{j} \theta_j^2 \right]",
    "\\begin{aligned}\nV &= \\beta V + (1-\\beta)\\,dW \\\\\nW &= W - \\alpha V\n\\end{aligned}",
    r"f(x) = \begin{cases} x & x > 0 \\ 0 & \text{در غیر این صورت} \end{cases}",
    r"A = \begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}, \qquad \lim_{n \to \infty} \frac{1}{n} = 0",
    "\\begin{align}\na &= b + c \\label{eq:sum} \\\\\nd &= e\n\\end{align}",
]
LONG_LINE = "values = [" + ", ".join(f"compute_something_long({i})" for i in range(12)) + "]"
CODE = f'''def drag(v, k=0.01):
    """Return the drag; comments may be Persian."""
    return -k * v * abs(v)  # نیروی مقاومت هوا


{LONG_LINE}
print("done", drag(3.5))'''
HEADER = "| نام | " + " | ".join(f"ستون شمارهٔ {i}" for i in "۱۲۳۴۵۶۷۸۹") + " |\n"
WIDE = HEADER + "|---" * 10 + "|\n" + "| ردیف | " + " | ".join(["مقدار بلند ۱۲۳٫۴۵"] * 9) + " |\n"
CLAIMS = """<table dir="rtl"><caption>جدول ادعاها</caption>
<thead><tr><th>ادعا</th><th>شاهد</th><th>نتیجه</th></tr></thead>
<tbody><tr><td>هزینه با $\\gamma > 0$ کم می‌شود.</td><td>۰٫۱۲ در برابر ۰٫۳۴</td><td>✓</td></tr>
<tr><td>درست نیست.</td><td>۵۰٪</td><td>✗</td></tr></tbody></table>"""

# One word with «ۀ» and with the two letters: they look the same.
ONE_LETTER, TWO_LETTERS = "شبکۀ سادۀ ما", "شبکهٔ سادهٔ ما"
HEH_HAMZA = "\n\n".join(
    f'<p dir="rtl"><{tag} class="{name}-{tag}">{words}</{tag}></p>'
    for tag in ("span", "b", "code")
    for name, words in (("one", ONE_LETTER), ("two", TWO_LETTERS))
)


def rtl(text: str) -> str:
    """Wrap Markdown as notebooks do."""
    return f'<div dir="rtl">\n\n{text.strip()}\n\n</div>'


def png() -> str:
    """Draw a small figure."""
    figure = Figure(figsize=(6, 3))
    figure.add_subplot().plot([0, 1, 2], [0, 1, 4])
    figure.savefig(buffer := io.BytesIO(), dpi=100, metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def svg() -> str:
    """Return a small drawing."""
    circle = '<circle cx="60" cy="40" r="30" fill="none" stroke="black"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80">{circle}</svg>'


def display(data: dict, **metadata):
    """Return a display output."""
    return new_output("display_data", data=data, metadata=metadata)


def prose() -> list:
    """Return the Markdown cells."""
    items = "\n".join(f"{i}. گام {word}" for i, word in enumerate(["نخست", "دوم", "سوم"], 1))
    formulas = "\n\n".join(f"در متن، فرمول ${tex}$ روی خط کرسی می‌نشیند." for tex in FORMULAS)
    displayed = "\n\n".join(f"$$\n{tex}\n$$\n\nپس از آن متن می‌آید." for tex in DISPLAY)
    return [
        rtl(f"# {TITLE}\n\n{SENTENCE} **پررنگ** و *کج* و `code(x)` و [پیوند](#فهرست-و-جدول).\n"),
        rtl(f"## فهرست و جدول\n\n{items}\n\n- یک\n- دو (two)، سه؛ چهار!\n  - تو در تو\n"),
        rtl(
            "> نقل قولی از کسی: «دانش بهتر از دارایی است.»\n\n"
            "| نام | مقدار |\n|---|---|\n| الف | ۱۲٫۵ |\n"
        ),
        rtl(f"### جدول پهن\n\n{WIDE}"),
        rtl(f"## فرمول‌ها\n\n{formulas}\n\n{displayed}"),
        rtl("```python\nfor i in range(3):\n    print(i)  # شمارنده\n```\n\nبعد از کد."),
        HEH_HAMZA,
        '<p dir="rtl">در HTML خام هم $x_1^2$ و قیمت \\$5 درست است.</p>',
        rtl(r"رابطهٔ \eqref{eq:sum} و \ref{eq:sum}؛ میان $100 و $200 فرمولی نیست."),
        "## A left-to-right cell\n\nPlain English, with $a+b$.\n\n1. one\n2. two\n",
    ]


def code() -> list:
    """Return the code cells with their outputs."""
    image = {"image/png": png(), "text/plain": "<Figure>"}
    error = ["\x1b[31mValueError\x1b[39m: " + "x" * 150]
    outputs = [
        [new_output("stream", name="stdout", text=f"{SENTENCE}\nplain English\n")],
        [display(image, **{"image/png": {"alt": ALT}})],
        [display(image)],
        [display({"image/svg+xml": svg(), "text/plain": "svg"}, alt="دایره‌ای سیاه")],
        [display({"text/html": CLAIMS, "text/plain": "table"})],
        [display({"text/markdown": rtl("نتیجه: $\\eta = ۰٫۱$ بهتر است."), "text/plain": "md"})],
        [new_output("execute_result", data={"text/latex": r"$\displaystyle \frac{x^{2}}{2}$"})],
        [new_output("stream", name="stderr", text="a warning\n")],
        [new_output("error", ename="ValueError", evalue="x", traceback=error)],
    ]
    outputs[2][0].metadata = {}
    cells = [new_code_cell(CODE, outputs=o, execution_count=i) for i, o in enumerate(outputs, 1)]
    for cell in cells[1:]:
        cell.source = "show()"
    cells[2].metadata["alt"] = "متن جایگزین از فرادادهٔ سلول"
    cells[6].outputs[0].execution_count = 7
    return cells


def notebook():
    """Return the whole sample."""
    cells = [*prose(), *code(), new_markdown_cell(rtl(f"## پایان\n\n{LAST_SENTENCE}\n"))]
    cells = [new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    language = {"name": "python", "pygments_lexer": "ipython3"}
    metadata = {"kernelspec": kernel, "language_info": language, "title": TITLE}
    return new_notebook(cells=cells, metadata=metadata)


def write(path):
    """Write the sample and return its path."""
    nbformat.write(notebook(), path)
    return path


if __name__ == "__main__":
    write("sample.ipynb")
