import { Fragment, type MouseEvent } from "react";
import { compose } from "../mail/compose/host";
import { useMail } from "../mail/context";
import { linkify } from "../mail/linkify";
import { parseMailto } from "../mail/mailto";
import { quoteBlocks } from "../mail/quoting";

/** Quotes longer than this are folded. */
const FOLD_LINES = 5;

export function PlainText({ text }: { text: string }) {
  return (
    <div className="plain-text" dir="auto">
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
      <TextLink key={i} href={piece.href} text={piece.text} />
    ),
  );
}

function TextLink({ href, text }: { href: string; text: string }) {
  const mail = useMail();
  const onClick = (event: MouseEvent) => {
    const to = parseMailto(href);
    if (!to) return;
    event.preventDefault();
    void compose(mail, to);
  };
  return (
    <a href={href} target="_blank" rel="noopener noreferrer" onClick={onClick}>
      {text}
    </a>
  );
}
