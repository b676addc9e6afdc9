"""Files beside a notebook come into its page, others do not; links name exports."""

import base64
import io
import logging
import os
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from exports import exported as export
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from jupyter_fa import files
from jupyter_fa.files import exported
from jupyter_fa.images import lighter

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC"
)
SECRET = PIXEL + b"secret"
PNG = "data:image/png;base64," + base64.b64encode(PIXEL).decode()
INSIDE = lighter(PNG)  # as a WebP


@pytest.fixture
def folder(tmp_path):
    """A notebook's folder with pictures in it, and a secret picture beside the folder."""
    (tmp_path / "secret.png").write_bytes(SECRET)
    folder = tmp_path / "notebook"
    (folder / "شکل‌ها").mkdir(parents=True)
    for name in ("pic.png", "a b.png", "a%20b.png", "b(1).png", "شکل‌ها/نمودار.png", ".env"):
        (folder / name).write_bytes(PIXEL)
    (folder / "inside.png").symlink_to("pic.png")
    (folder / "outside.png").symlink_to(tmp_path / "secret.png")
    (folder / "outside").symlink_to(tmp_path)
    (folder / "ring.png").symlink_to("ring.png")
    (folder / "zero.png").symlink_to("/dev/zero")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    return folder


def page(folder, text):
    """The page of a notebook with a text as Markdown and as an HTML output."""
    output = new_output("display_data", data={"text/html": text})
    cells = [new_markdown_cell(text), new_code_cell("1", outputs=[output])]
    return export(new_notebook(cells=cells), folder)


@pytest.mark.parametrize(
    "text",
    [
        '<img src="pic.png" alt="a">',
        "<img src=pic.png alt=a>",
        "<IMG alt='a'\n  SRC = 'pic.png'>",
        '<p><img alt="a > b" src="pic.png?v=1#x"></p>',
        '<img alt=a src="./a%20b.png">',
        '<img alt=a src="a b.png">',
        '<img alt=a src=" b(1).png ">',
        '<img alt=a src="شکل‌ها/نمودار.png">',
        f'<img alt=a src="{quote("شکل‌ها/نمودار.png")}">',
        '<img alt=a src="inside.png">',
    ],
)
def test_an_image_beside_the_notebook_is_in_the_page(folder, text):
    assert page(folder, text).count(INSIDE) == 2


def test_an_image_in_a_drawing_is_in_the_page(folder):
    assert page(folder, '<svg><image href="pic.png"/></svg>').count(PNG) == 2


@pytest.mark.parametrize(
    "text",
    [
        "![a](pic.png)",
        "![a](pic.png?v=1)",
        '![a](<a b.png> "title")',
        "![a](a%20b.png)",
        "![a](b(1).png)",
        "![a](شکل‌ها/نمودار.png)",
        "[![a](pic.png)](https://example.org)",
        "![a][b]\n\n[b]: pic.png",
    ],
)
def test_an_image_of_markdown_is_in_the_page(folder, text):
    cells = [new_markdown_cell(f'<div dir="rtl">\n\n{text}\n\n</div>')]
    assert INSIDE in export(new_notebook(cells=cells), folder)


def test_an_attachment_is_in_the_page(folder):
    attached = {"نمودار ۱.png": {"image/png": PNG.partition(",")[2]}}
    texts = ["![a](<attachment:نمودار ۱.png>)", '<img alt=a src="attachment:نمودار ۱.png">']
    cells = [new_markdown_cell(text, attachments=attached) for text in texts]
    assert export(new_notebook(cells=cells), folder).count(INSIDE) == 2


@pytest.mark.parametrize(
    "address",
    [
        "{above}/secret.png",
        "../secret.png",
        "..%2Fsecret.png",
        "%2e%2e/secret.png",
        "x/../../secret.png",
        "outside.png",
        "outside/secret.png",
        "%2F{above}/secret.png",
        "//localhost{above}/secret.png",
        "ring.png",
        "zero.png",
        "pipe.png",
        "folder.png",
        ".env",
        "none.png",
        "a%00b.png",
        "https://example.invalid/a.png",
        "attachment:none.png",
        "x" * 5000 + ".png",
    ],
)
def test_no_other_file_is_in_the_page_and_a_warning_says_why(folder, caplog, address):
    address = address.format(above=folder.parent)
    with caplog.at_level(logging.WARNING, "traitlets"):
        made = page(folder, f'before <img alt="words" src="{address}"> the end')
    soup = BeautifulSoup(made, "html.parser")
    assert [image.attrs for image in soup.find_all("img")] == [{"alt": "words"}] * 2
    assert soup.main.text.count("the end") == 2
    left_out = [r.getMessage() for r in caplog.records if "is left out: " in r.getMessage()]
    assert [message.split(":")[0] for message in left_out] == [
        "notebook.ipynb, cell 1 of 2",
        "notebook.ipynb, cell 2 of 2",
    ]
    assert all(address[:70] in message for message in left_out)


@pytest.mark.parametrize("scheme", ["file://", "FILE:", "file://localhost", "ftp://host"])
def test_other_schemes_are_left_out(folder, scheme):
    made = page(folder, f'<img alt=a src="{scheme}{folder}/pic.png"> <a href="{scheme}/x">b</a>')
    assert "src=" not in made and scheme not in made


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_images_become_smaller_and_keep_every_pixel(mode):
    original = Image.radial_gradient("L").convert(mode)
    if mode == "RGBA":  # colours under what is transparent as well
        original.putalpha(Image.linear_gradient("L"))
    original.save(buffer := io.BytesIO(), "PNG", compress_level=0)
    address = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    webp = lighter(address)
    assert webp.startswith("data:image/webp;") and len(webp) < len(address)
    shown = Image.open(io.BytesIO(base64.b64decode(webp.partition(",")[2]))).convert("RGBA")
    assert shown.tobytes() == original.convert("RGBA").tobytes()


@pytest.mark.parametrize("mode", ["I;16", "LA"])
def test_images_that_a_webp_cannot_hold_stay_as_they_are(mode):
    Image.new(mode, (9, 9)).save(buffer := io.BytesIO(), "PNG")
    address = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    assert lighter(address) == address


def test_large_images_are_left_out(folder, caplog, monkeypatch):
    with open(folder / "large.png", "wb") as file:
        file.truncate(files.FILE_LIMIT + 1)
    assert "src=" not in page(folder, '<img alt=a src="large.png">')
    assert "too large" in caplog.text
    monkeypatch.setattr(files, "PAGE_LIMIT", 2 * len(PIXEL))
    assert page(folder, '<img alt=a src="pic.png">' * 3).count(INSIDE) == 2


@pytest.mark.parametrize("text", ["![]()", '<img src="">', "<img>", '<img src="http://[x">'])
def test_an_image_without_an_address_stays_a_tag(folder, text):
    cells = [new_markdown_cell(f"before {text} after")]
    assert "<p>before <img" in export(new_notebook(cells=cells), folder)


def test_a_notebook_that_is_nowhere_has_no_files(folder, monkeypatch):
    monkeypatch.chdir(folder)
    notebook = new_notebook(cells=[new_markdown_cell("![a](pic.png)")])
    assert INSIDE in export(notebook, folder)
    assert INSIDE not in export(notebook)


@pytest.mark.parametrize(
    ("url", "changed"),
    [
        ("b.ipynb", "b.pdf"),
        ("b(1).ipynb", "b(1).pdf"),
        ("../دفتر.ipynb#فصل-دوم", "../دفتر.pdf#فصل-دوم"),
        ("b.ipynb?x=1#c", "b.pdf?x=1#c"),
        ("b.py", "b.py"),
        ("#b.ipynb", "#b.ipynb"),
        ("/b.ipynb", "/b.ipynb"),
        ("//host/b.ipynb", "https://host/b.ipynb"),
        ("\\\\host\\b.ipynb", "https://host\\b.ipynb"),
        ("https://host/b.ipynb", "https://host/b.ipynb"),
        ("http://[x", "http://[x"),
    ],
)
def test_relative_links_to_notebooks_name_their_exports(url, changed):
    assert exported(url, ".pdf") == changed


def test_links_are_found_in_markdown_in_raw_html_and_in_outputs(folder):
    text = '[b](b.ipynb#c) <a href=b.ipynb#c>b</a>\n\n<p>\n<a href="b.ipynb#c">b</a></p>\n'
    made = page(folder, text)
    assert made.count('<a href="b.html#c">b</a>') == 5


def test_a_link_that_is_no_address_stays_a_tag(folder):
    made = page(folder, '[a](http://[x) <a href="http://[x">words</a>')
    assert made.count(">words</a>") == 2
