// A prebuilt JupyterLab extension written by hand: it appends one style sheet (the template's rtl.css).
const css = `
/* Right-to-left Markdown and HTML outputs: whatever is inside dir="rtl", or has it. */
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon :is(p, tr, th, td, caption, figcaption):is([dir="rtl"], [dir="rtl"] *):not([align]) {
  text-align: start;
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon :is(ul, ol):is([dir="rtl"], [dir="rtl"] *):not(.list-inline) {
  padding: 0;
  padding-inline-start: 2em;
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon ol:is([dir="rtl"], [dir="rtl"] *) {
  list-style-type: persian;
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon blockquote:is([dir="rtl"], [dir="rtl"] *) {
  border: 0;
  border-inline-start: 5px solid var(--jp-border-color2);
}
.jp-RenderedHTMLCommon.jp-RenderedHTMLCommon table:is([dir="rtl"], [dir="rtl"] *) {
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

function activate() {
  const style = document.createElement('style');
  style.id = 'jupyter-fa';
  style.textContent = css;
  document.head.appendChild(style);
}

(window._JUPYTERLAB ??= {})['jupyter-fa'] = {
  init() {},
  get() {
    const plugin = { id: 'jupyter-fa:rtl', autoStart: true, activate };
    return Promise.resolve(() => ({ __esModule: true, default: plugin }));
  }
};
