export type Piece = { kind: "text"; text: string } | { kind: "link"; text: string; href: string };

// Only these schemes ever become a link; `javascript:` and the like stay text.
const LINK = /\bhttps?:\/\/[^\s<>"'`]+|\bwww\.[^\s<>"'`]+\.[^\s<>"'`]+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gi;

/** Plain text cut into text and links, for React to render: no HTML is made. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const found = withoutTrailing(match[0]);
    const href = hrefOf(found);
    if (!href) continue;
    if (match.index > end) pieces.push({ kind: "text", text: text.slice(end, match.index) });
    pieces.push({ kind: "link", text: found, href });
    end = match.index + found.length;
  }
  if (end < text.length) pieces.push({ kind: "text", text: text.slice(end) });
  return pieces;
}

function hrefOf(found: string): string | null {
  const lower = found.toLowerCase();
  if (lower.startsWith("http://") || lower.startsWith("https://")) return URL.canParse(found) ? found : null;
  if (lower.startsWith("www.")) return `https://${found}`;
  return `mailto:${found}`;
}

/** A full stop or a closing bracket after an address belongs to the sentence. */
function withoutTrailing(link: string): string {
  let text = link;
  for (;;) {
    const last = text.at(-1) ?? "";
    const open = { ")": "(", "]": "[", "}": "{" }[last];
    const unbalanced = open !== undefined && count(text, last) > count(text, open);
    if (/[.,;:!?*_]/.test(last) || unbalanced) text = text.slice(0, -1);
    else return text;
  }
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}
