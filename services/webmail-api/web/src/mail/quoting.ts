export interface Block {
  quoted: boolean;
  text: string;
}

/** Cuts a plain text into blocks of own words and of quoted lines. */
export function quoteBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    const quoted = line.startsWith(">");
    const last = blocks.at(-1);
    if (last && last.quoted === quoted) last.text += `\n${line}`;
    else blocks.push({ quoted, text: line });
  }
  return blocks;
}

/** Puts `>` before each line; lines quoted already do not get a second space. */
export function quote(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/\n+$/, "")
    .split("\n")
    .map((line) => (line.startsWith(">") ? `>${line}` : line === "" ? ">" : `> ${line}`))
    .join("\n");
}
