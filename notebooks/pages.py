"""What build.py writes around the four notebooks: the index page and the front of report.pdf."""

import datetime
import html
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import quote

from bs4 import BeautifulSoup

from persian import fa

TITLE = "آموزش یک شبکۀ عصبی، چهار آزمایش"
# Each notebook with the figure that stands for it on the index page.
LEADING_FIGURE = {
    "01_activations": "01_common_rate",
    "02_initialization": "02_scale",
    "03_optimizers": "03_rates",
    "04_regularization": "04_with_and_without",
}


def claims_of(notebook):
    """What the claims table of an executed notebook found, as ``Claims.close`` left it, or None."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return next(filter(None, (o.get("metadata", {}).get("claims") for o in outputs)), None)


def verdict(notebook):
    """The same in a Persian sentence."""
    claims = claims_of(notebook)
    if not claims:
        return "اجرا به جدول ادعاها نرسید"
    if not claims["checked"]:
        return "دادۀ جانشین: ادعاها بررسی نشدند"
    held, total = fa(claims["total"] - claims["failed"]), fa(claims["total"])
    first = claims.get("first_seed", 0)
    seeds = f"؛ بذرها از {fa(first)} آغاز می‌شوند" if first else ""
    return f"{held} ادعا از {total} ادعا برقرار است{seeds}"


def answers(page, name, kind):
    """The short answer of an exported page, whose links lead to NAME.kind; "" if it has none."""
    _, filled, rest = page.partition("<strong>پاسخ کوتاه</strong></p>")  # parsing it all takes long
    if not filled:
        return ""
    found = BeautifulSoup(rest.partition("</ul>")[0], "html.parser").ul
    for link in found.select('a[href^="#"]'):
        link["href"] = f"{name}.{kind}{link['href']}"
    return str(found)


def index(notebooks, folder, figures, build):
    """The page that lists the notebooks, each with its verdict, short answer and leading figure.

    It links what this build has left in ``folder``; they will be in ``build`` and ``figures``.
    """
    from jupyter_fa.fonts import FontFaces

    entries, book = [], ""
    for name, notebook in notebooks.items():
        title, says = html.escape(str(notebook.metadata.get("title", name))), verdict(notebook)
        if (folder / f"{name}.pdf").is_file():
            says += f' · <a href="{name}.pdf">PDF</a>'
        page, picture, answer = title, "", ""
        file = folder / f"{name}.html"
        if file.is_file():
            page = f'<a href="{name}.html">{title}</a>'
            answer = answers(file.read_text(encoding="utf-8"), name, "html")
        else:
            says += " · صفحۀ این دفتر ساخته نشد"
        figure = f"{LEADING_FIGURE[name]}.png"
        if (folder / "figures" / figure).is_file():
            address = os.path.relpath(figures / figure, build).replace("\\", "/")
            picture = f'<img src="{quote(os.fsencode(address))}" alt="شکل نمونۀ «{title}»">'
            if page != title:
                picture = f'<a class=figure href="{name}.html">{picture}</a>'
        entries.append(f"<li><h2>{page}</h2><p class=says>{says}</p>{answer}{picture}</li>")
    if (folder / "report.pdf").is_file():
        book = '<p><a class=book href="report.pdf">همۀ گزارش در یک PDF</a></p>'
    items = book + "<ol>\n" + "\n".join(entries) + "\n</ol>"
    return INDEX.format(title=TITLE, fonts=FontFaces()(INDEX + TITLE + items), items=items)


INDEX = """<!DOCTYPE html>
<html lang="fa" dir="rtl">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{fonts}
:root {{ color-scheme: light dark; --ink: #222; --dim: #595959; --paper: #f4f4f2; --card: #fff;
  --line: #ddd; --link: #0b57a4; }}
body {{ font-family: fa-text, Tahoma, sans-serif; line-height: 1.8; margin: 0;
  color: var(--ink); background: var(--paper); }}
main {{ max-width: 56rem; margin: 0 auto; padding: 2rem 1rem; }}
h1 {{ font-size: 1.75rem; line-height: 1.5; margin: 0; }}
h2 {{ font-size: 1.2rem; line-height: 1.6; margin: 0; }}
p {{ margin: 0 0 0.5rem; }}
ol {{ list-style: none; padding: 0; margin: 1.5rem 0 0; counter-reset: notebook; }}
ol > li {{ counter-increment: notebook; margin-block-end: 1.5rem; padding: 1.25rem 1.5rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; }}
h2::before {{ content: counter(notebook, persian) ". "; color: var(--dim); }}
.says {{ font-size: 0.875rem; color: var(--dim); }}
ul {{ list-style: disc; padding-inline-start: 1.2rem; margin-block: 0.5rem 1rem; }}
a {{ color: var(--link); text-underline-offset: 0.2em; }}
h2 a {{ text-decoration: none; }}
h2 a:hover {{ text-decoration: underline; }}
.book {{ display: inline-block; padding: 0.25rem 1rem; border: 1px solid; border-radius: 6px;
  text-decoration: none; }}
.figure {{ display: block; overflow-x: auto; }}
img {{ display: block; max-width: 100%; height: auto; background: #fff; }}
.figure img {{ width: 100%; min-width: 34rem; }}
@media (max-width: 40rem) {{
  main {{ padding: 1rem 0.5rem; }}
  ol > li {{ padding: 0.75rem; }}
}}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #ddd; --dim: #a5a5a5; --paper: #121212; --card: #1c1c1c; --line: #3a3a3a;
    --link: #8ab8ee; }}
  img {{ border-radius: 4px; }}
}}
</style>
<main>
<h1>{title}</h1>
<p>تابع فعالیت، وزن‌دهی اولیه، بهینه‌ساز و منظم‌سازی L2 روی پیراهن‌ها و شلوارهای Fashion-MNIST.</p>
{items}
</main>
</html>
"""


def front(notebooks, printed):
    """What stands before the chapters of report.pdf: title page, short answers, contents.

    ``printed`` are the chapters' pages, by name. The course is the first notebook's ``course``.
    """
    parts = []
    for name, page in printed.items():
        title = html.escape(str(notebooks[name].metadata.get("title", name)))
        parts.append(f"<h3>{title}</h3>{answers(page, name, 'pdf')}")
    first = next(iter(notebooks.values()))
    when = " · ".join(filter(None, [fa_date(), commit()]))
    lines = filter(None, [str(first.metadata.get("course", "")), when])
    says = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    verdicts = [(notebooks[name].metadata.get("title", name), notebooks[name]) for name in printed]
    rows = "".join(
        f'<tr><th scope="row">{html.escape(str(title))}</th><td>{verdict(notebook)}</td></tr>'
        for title, notebook in verdicts
    )
    return FRONT.format(title=TITLE, says=says, verdicts=rows, answers="".join(parts))


FRONT = """<div class="fa-front jp-RenderedHTMLCommon"><h1>{title}</h1>{says}
<table style="margin: 25mm auto 0"><tbody>{verdicts}</tbody></table></div>
<div class="jp-RenderedHTMLCommon"><h2>پاسخ‌های کوتاه</h2>{answers}</div>
<div class="jp-RenderedHTMLCommon"><h2>فهرست</h2><nav class="fa-book"></nav></div>
"""


FRONT_PAGES = 3  # as printed; should it be another number, the book is printed twice


def fa_date():
    """Today, in Persian digits."""
    return re.sub("[0-9]+", lambda n: fa(int(n[0])).replace("٬", ""), f"{datetime.date.today()}")


def commit():
    """«نسخۀ a1b2c3d», -dirty if files are changed, where there is a repository; else nothing."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"نسخۀ \u2066{made.stdout.strip()}\u2069" if made.returncode == 0 else ""
