"""Attacks on the reader of an export, each with what it gave before: the table of the tests.

FILE is a file outside the notebook's folder, HOST a server on the reader's machine. They come in
through every entrance of a notebook, into pages that are sanitized or not and into PDFs.
"""

import http.server
import threading
from contextlib import contextmanager

from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
    new_raw_cell,
)

# name: (what it reached before, HTML). A "page" was read with its Content-Security-Policy off, which
# otherwise held back scripts and hosts but neither <meta> nor the reader's files; "sanitized" is one
# that was exported so; a "pdf" showed the file or asked the server; what followed was "lost".
ATTACKS = {
    "meta-refresh": (
        "page pdf lost",
        "<meta http-equiv=refresh content='0;url=file://FILE'>",
    ),
    "meta-spliced": (
        "page",
        "<me<meta>ta http-equiv=refresh content='0;url=file://FILE'>",
    ),
    "base": (
        "page",
        "<base href='http://HOST/base/'><a href='x'>x</a>",
    ),
    "link-style-sheet": (
        "page",
        "<link rel=stylesheet href='http://HOST/link.css'><link rel=prefetch href='http://HOST/p'>",
    ),
    "iframe-file": (
        "page",
        "<iframe src='file://FILE' width=600 height=400></iframe>",
    ),
    "iframe-srcdoc": (
        "page",
        "<iframe srcdoc=\"<script>parent.act()</script><img src='http://HOST/srcdoc'>\"></iframe>",
    ),
    "frameset": (
        "nothing",
        "<frameset><frame src='file://FILE'></frameset>",
    ),
    "object": (
        "page",
        "<object data='file://FILE' type='text/plain'></object>",
    ),
    "embed": (
        "page",
        "<embed src='file://FILE' type='text/plain'>",
    ),
    "applet": (
        "page",
        "<applet code=A archive='http://HOST/a.jar'></applet>",
    ),
    "portal": (
        "page",
        "<portal src='http://HOST/portal'></portal><fencedframe src='http://HOST/f'></fencedframe>",
    ),
    "script": (
        "page",
        "<script src='http://HOST/s.js'></script><script>act()</script>",
    ),
    "script-spliced": (
        "page",
        "<scr<script></script>ipt>act()</script>",
    ),
    "script-upper-open": (
        "page lost",
        "<SCRIPT\n>act()</SCRIPT ><script/x>act()//",
    ),
    "handler": (
        "page",
        "<img src=x onerror='act()'><b onclick=act()>b</b><details open ontoggle=act()>d</details>",
    ),
    "handler-slash": (
        "page",
        "<svg/onload=act()></svg><img/src='x'/onerror=act()>",
    ),
    "javascript-link": (
        "page",
        "<a href='javascript:act()'>a</a> <a href=' JaVa\nScript&colon;act()'>b</a> <a href='&#1;javascript:act()'>c</a>",
    ),
    "file-link": (
        "page",
        "<a href='file://FILE'>f</a><a href='vbscript:act()'>v</a>",
    ),
    "math-upper-handler": (
        "page sanitized",
        "<math ONMOUSEOVER='act()'><mi>x</mi></math>",
    ),
    "math-link": (
        "page",
        "<math><mi xlink:href='javascript:act()' href='javascript:act()'>x</mi><maction actiontype='statusline#http://HOST' xlink:href='javascript:act()'>y</maction></math>",
    ),
    "math-comment": (
        "page sanitized pdf lost",
        "<math><mtext><!--><meta http-equiv=refresh content='0;url=http://HOST/comment'>--></mtext></math>",
    ),
    "math-cdata": (
        "nothing",
        "<math><mtext><![CDATA[>]]<img src=x onerror=act()>]]></mtext></math>",
    ),
    "math-instruction": (
        "page sanitized",
        "<math><mtext><?x ><img src=x onerror=act()>?></mtext></math>",
    ),
    "math-in-attribute": (
        "page sanitized",
        "<p title='<math alttext=\"x onmouseover=act() y\"><mi>x</mi></math>'>t</p>",
    ),
    "math-annotation": (
        "page",
        "<math><semantics><mi>x</mi><annotation-xml encoding='text/html'><img src=x onerror=act()></annotation-xml></semantics></math>",
    ),
    "mutation-glyph": (
        "nothing",
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=act()&gt;'>",
    ),
    "mutation-svg-style": (
        "page",
        "<svg></p><style><a id='</style><img src=1 onerror=act()>'></svg>",
    ),
    "mutation-noscript": (
        "page",
        "<noscript><p title='</noscript><img src=x onerror=act()>'></noscript>",
    ),
    "mutation-template": (
        "page",
        "<template><img src=x onerror=act()></template><xmp><img src=x onerror=act()></xmp>",
    ),
    "svg-script": (
        "page",
        "<svg><script>act()</script><script href='http://HOST/svg.js'/></svg>",
    ),
    "svg-image": (
        "page pdf",
        "<svg width=60 height=60><image width=60 height=60 xlink:href='FILE.png' href='FILE.png'/></svg>",
    ),
    "svg-image-host": (
        "page",
        "<svg><image href='http://HOST/image'/><feImage href='http://HOST/fe'/></svg>",
    ),
    "svg-use": (
        "page",
        "<svg><use href='http://HOST/use.svg#a'/><use xlink:href='FILE.svg#a'/></svg>",
    ),
    "svg-foreign": (
        "page",
        "<svg><foreignObject><iframe src='file://FILE'></iframe></foreignObject></svg>",
    ),
    "svg-animate": (
        "page",
        "<svg><a><animate attributeName=href values='javascript:act()'/><set attributeName=href to='javascript:act()'/><text>x</text></a></svg>",
    ),
    "svg-style": (
        "page",
        "<svg><style>@import 'http://HOST/svg.css';</style><rect fill='url(http://HOST/fill#a)' width=9 height=9 /></svg>",
    ),
    "style-sheet": (
        "page",
        "<style>@import url(http://HOST/import.css); body{background:url(http://HOST/bg)}</style>",
    ),
    "style-escaped": (
        "page",
        "<style>p{background:\\75rl(http://HOST/escaped)} @\\69mport 'http://HOST/escaped.css';</style>",
    ),
    "style-attribute": (
        "page",
        "<p style='background:url(http://HOST/attribute)'>p</p><p style=\"background:image-set('http://HOST/set' 1x)\">q</p>",
    ),
    "form": (
        "page",
        "<form action='http://HOST/form'><button formaction='javascript:act()'>b</button><input name=x autofocus onfocus=act()></form>",
    ),
    "img-absolute": (
        "page sanitized pdf",
        "<img src='FILE.png'> <img src='file://FILE.png'>",
    ),
    "img-above": (
        "page sanitized",
        "<img src='../FILENAME.png'> <img src='..%2FFILENAME.png'> <img src='..\\FILENAME.png'>",
    ),
    "img-host": (
        "page sanitized",
        "<img src='http://HOST/img'> <img src='//HOST/img2'> <img srcset='http://HOST/srcset 1x'>",
    ),
    "img-markdown": (
        "page sanitized pdf",
        "![a](FILE.png) ![b](../FILENAME.png) ![c](http://HOST/md)",
    ),
    "picture": (
        "page",
        "<picture><source srcset='http://HOST/picture'><img src='x'></picture>",
    ),
    "video": (
        "page pdf",
        "<video poster='FILE.png' src='http://HOST/video'><track src='http://HOST/track' default></video>",
    ),
    "audio": (
        "page",
        "<audio src='http://HOST/audio' autoplay><source src='http://HOST/source'></audio>",
    ),
    "input-image": (
        "page pdf",
        "<input type=image src='http://HOST/input'><table background='http://HOST/table'><tr><td background='FILE.png'>x</td></tr></table>",
    ),
    "quotes": (
        "page",
        "\"><img src=x onerror=act()>'><img src=x onerror=act()>",
    ),
    "unclosed-comment": (
        "page",
        "<!-- <img src=x onerror=act()>",
    ),
    "unclosed-text": (
        "lost",
        "<textarea><title><plaintext><script>act()",
    ),
    "closing": (
        "page pdf lost",
        "</pre></div></div></div></div></main></body></html><meta http-equiv=refresh content='0;url=file://FILE'>",
    ),
}

SECRET = "the reader's own words"
LAST = "the last words of the notebook"

# [name of the attack, what is there] for all that acts, fetches or frames in a page as the browser
# read it; the page's own head has three <meta>.
ACTIVE = r"""() => {
  const found = [];
  const tags = 'script, iframe, frame, frameset, object, embed, applet, portal, fencedframe, form,'
    + ' base, link, foreignObject, animate, set, template, noscript, annotation-xml, maction';
  const note = (e, what) => found.push([e.closest('[id^="cell-id"]')?.id.slice(8).split('--')[0] ?? '', what]);
  for (const e of document.querySelectorAll(tags)) note(e, e.outerHTML.slice(0, 90));
  const metas = document.querySelectorAll('meta');
  for (const e of [...metas].slice(3)) note(e, e.outerHTML.slice(0, 90));
  for (const e of document.body.querySelectorAll('*')) {
    for (const {name, value} of e.attributes) {
      const address = value.replace(/[\x00-\x20]/g, '').toLowerCase();
      if (/^on|^(srcset|action|formaction|background|ping|data|srcdoc|autofocus)$/.test(name)
          || /^(javascript|vbscript|file):|^data:text\/html/.test(address)
          || (/^(src|href|xlink:href|poster)$/.test(name) && e.localName !== 'a'
              && !/^(data:image\/|#)/.test(address))
          || (name === 'style' && /url\((?!["']?(data:|#))/i.test(value)))
        note(e, `${e.localName} ${name}=${value.slice(0, 60)}`);
    }
    if (e.localName === 'style' && /@import|url\(\s*(?!["']?(data:|#))/i.test(e.textContent))
      note(e, e.textContent);
  }
  return found;
}"""


def filled(attack, file, host):
    """An attack with the addresses of a file and of a server in it."""
    return (
        ATTACKS[attack][1]
        .replace("FILENAME", file.name)
        .replace("FILE", str(file))
        .replace("HOST", host)
    )


def entrances(text):
    """The cells that bring a text into a page in every way that there is."""
    outputs = [
        new_output("display_data", data={"text/html": text}),
        new_output("display_data", data={"text/markdown": text}),
        new_output("display_data", data={"text/plain": text}),
        new_output("display_data", data={"text/vnd.mermaid": text}),
        new_output("display_data", data={"image/png": text}, metadata={"image/png": {"alt": text}}),
        new_output("display_data", data={"image/svg+xml": f"<svg>{text}</svg>"}),
        new_output("display_data", data={"application/javascript": text, "text/plain": text}),
        new_output("stream", name="stdout", text=f"\x1b[31m{text}\x1b[0m"),
        new_output("stream", name="stderr", text=text),
        new_output("error", ename=text, evalue=text, traceback=[text]),
    ]
    code = new_code_cell(text, outputs=outputs, metadata={"tags": [text], "alt": text})
    attached = {"a.png": {"image/png": f'"> {text}', f'"> {text}': text}}
    return [
        new_markdown_cell(text),
        new_markdown_cell(f"words {text} words", metadata={"tags": [text]}),
        new_markdown_cell("![a](attachment:a.png)", attachments=attached),
        new_raw_cell(text),
        new_raw_cell(text, metadata={"raw_mimetype": "text/html"}),
        code,
    ]


def notebook(file, host, attacks=ATTACKS):
    """A notebook with attacks through every entrance; the cells are named after them."""
    cells = []
    for attack in attacks:
        for number, cell in enumerate(entrances(filled(attack, file, host))):
            cell["id"] = f"{attack}--{number}"
            cells.append(cell)
    text = "".join(filled(attack, file, host) for attack in attacks)
    metadata = {"title": text, "language_info": {"name": text, "pygments_lexer": text}}
    return new_notebook(cells=[*cells, new_markdown_cell(LAST)], metadata=metadata)


@contextmanager
def server():
    """The address of a server, and the list of what it was asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_POST = do_HEAD = do_OPTIONS = do_GET

        def log_message(self, *_):
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{listening.server_address[1]}", asked
    finally:
        listening.shutdown()
        listening.server_close()
