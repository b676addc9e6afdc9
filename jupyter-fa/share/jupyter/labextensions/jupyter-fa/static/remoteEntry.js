// A prebuilt JupyterLab extension written by hand: it appends one style sheet (the template's rtl.css)
// and has Firefox draw the letter «ۀ».
const css = `
/* Right-to-left Markdown and HTML outputs: whatever runs from right to left by its dir. */
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon :is(p, tr, th, td, caption, figcaption):dir(rtl):not([align]) {
  text-align: start;
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon :is(ul, ol):dir(rtl):not(.list-inline) {
  padding: 0;
  padding-inline-start: 2em;
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon ol:dir(rtl) {
  list-style-type: persian;
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon ol:dir(rtl):lang(ar) {
  list-style-type: arabic-indic;
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon ol:dir(rtl):is(:lang(he), :lang(yi)) {
  list-style-type: decimal;
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon blockquote:dir(rtl) {
  border: 0;
  border-inline-start: 5px solid var(--jp-border-color2);
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon table:dir(rtl) {
  margin-left: auto;
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon :is(code, kbd, samp, pre, math, mjx-container) {
  direction: ltr;
  unicode-bidi: isolate;
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon pre {
  text-align: left;
}
/* What a program prints: each line in the direction of its first letter. */
.jp-RenderedText[data-mime-type="application/vnd.jupyter.stdout"] pre {
  unicode-bidi: plaintext;
  text-align: start;
}
/* MathJax puts each Persian letter inside a formula in a box of its own; without boxes they join. */
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon mjx-mtext > mjx-utext {
  display: inline;
}
`;

// Many fonts lack U+06C0. Other browsers then draw ه with a hamza, Firefox takes the letter from some
// other font, which does not join it to the word. So what it shows is written with the two.
const rendered = '.jp-RenderedHTMLCommon, .jp-RenderedText';

function write(node) {
  if (!node.textContent.includes('\u06c0')) return;
  const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  for (let text = texts.currentNode; text; text = texts.nextNode()) {
    if (text.nodeType === Node.TEXT_NODE && text.parentElement?.closest(rendered)) {
      text.data = text.data.replaceAll('\u06c0', '\u0647\u0654');
    }
  }
}

function activate() {
  const style = document.createElement('style');
  style.id = 'jupyter-fa';
  style.textContent = css;
  document.head.appendChild(style);
  if (CSS.supports('-moz-appearance', 'none')) {
    const what = { childList: true, characterData: true, subtree: true };
    new MutationObserver((changes) => {
      for (const change of changes) {
        (change.type === 'characterData' ? [change.target] : change.addedNodes).forEach(write);
      }
    }).observe(document.body, what);
  }
}

(window._JUPYTERLAB ??= {})['jupyter-fa'] = {
  init() {},
  get() {
    const plugin = { id: 'jupyter-fa:rtl', autoStart: true, activate };
    return Promise.resolve(() => ({ __esModule: true, default: plugin }));
  }
};
