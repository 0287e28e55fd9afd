import { Fragment } from "react";
import { linkify } from "../mail/linkify";
import { quoteBlocks } from "../mail/quoting";

/** Quotes longer than this are folded. */
const FOLD_LINES = 5;

export function PlainText({ text }: { text: string }) {
  return (
    <div className="plain-text">
      {quoteBlocks(text.trimEnd()).map((block, i) => {
        if (!block.quoted) return <Fragment key={i}>{<Linked text={`${block.text}\n`} />}</Fragment>;
        const lines = block.text.split("\n").length;
        const quote = (
          <blockquote>
            <Linked text={block.text} />
          </blockquote>
        );
        if (lines <= FOLD_LINES) return <Fragment key={i}>{quote}</Fragment>;
        return (
          <details key={i}>
            <summary>{lines} quoted lines</summary>
            {quote}
          </details>
        );
      })}
    </div>
  );
}

function Linked({ text }: { text: string }) {
  return linkify(text).map((piece, i) =>
    piece.kind === "text" ? (
      <Fragment key={i}>{piece.text}</Fragment>
    ) : (
      <a key={i} href={piece.href} target="_blank" rel="noopener noreferrer">
        {piece.text}
      </a>
    ),
  );
}
