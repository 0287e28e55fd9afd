/** Questions about a message's HTML. The HTML itself is only ever shown in the sandboxed frame. */

/** Does it ask for pictures from elsewhere? Errs on the side of yes. */
export function wantsRemotePictures(html: string): boolean {
  return (
    /<(?:img|source|video|input|image)\b[^>]*\b(?:src|srcset|poster|href)\s*=\s*["']?\s*(?:https?:)?\/\//i.test(html) ||
    /\bbackground\s*=\s*["']?\s*(?:https?:)?\/\//i.test(html) ||
    /url\(\s*["']?\s*(?:https?:)?\/\//i.test(html)
  );
}

/** Does it say what colours it is to have? Then it stays on the white sheet it was made for. */
export function hasOwnColours(html: string): boolean {
  const sheets = html.match(/<style\b[\s\S]*?<\/style/gi)?.join("") ?? "";
  const tags = html.replace(/>[^<]*</g, "><");
  return (
    /\b(?:background|color)[\w-]*\s*:/i.test(sheets + tags) || /\s(?:bgcolor|background|color|text)\s*=/i.test(tags)
  );
}

const BLOCKS = new Set(
  "ADDRESS ARTICLE ASIDE BLOCKQUOTE DD DIV DL DT FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HR LI MAIN NAV OL P PRE SECTION TABLE TR UL".split(
    " ",
  ),
);
const SILENT = new Set(["SCRIPT", "STYLE", "HEAD", "TITLE", "TEMPLATE", "NOSCRIPT"]);

/**
 * The words of an HTML body, for quoting it in a plain-text reply. DOMParser
 * makes an inert document: no script runs and nothing is fetched.
 */
export function htmlToText(html: string): string {
  const body = new DOMParser().parseFromString(html, "text/html").body;
  return tidy(textOf(body));
}

function textOf(node: Node): string {
  if (node.nodeType === Node.TEXT_NODE) return (node.nodeValue ?? "").replace(/[\s\u200b]+/g, " ");
  if (!(node instanceof Element) || SILENT.has(node.tagName)) return "";
  if (node.tagName === "BR") return "\n";
  if (node.tagName === "IMG") return node.getAttribute("alt") ?? "";
  if (node.tagName === "PRE") return `\n${node.textContent ?? ""}\n`;
  const inner = [...node.childNodes].map(textOf).join("");
  if (node.tagName === "BLOCKQUOTE") {
    const lines = tidy(inner).split("\n");
    return `\n${lines.map((line) => `> ${line}`).join("\n")}\n`;
  }
  if (node.tagName === "LI") return `\n- ${inner.trim()}`;
  if (node.tagName === "TD" || node.tagName === "TH") return `${inner} `;
  if (node.tagName === "P") return `\n\n${inner}\n\n`;
  return BLOCKS.has(node.tagName) ? `\n${inner}\n` : inner;
}

function tidy(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replace(/[ \t\u00a0]+/g, " ").trim())
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}
