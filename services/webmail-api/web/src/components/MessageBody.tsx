import { useMemo, useState } from "react";
import type { EmailDetail } from "../jmap/types";
import { htmlOf, isTruncated, plainOf } from "../mail/body";
import { hasOwnColours, wantsRemotePictures } from "../mail/html";
import { HtmlFrame } from "./HtmlFrame";
import { Icon } from "./Icon";
import { PlainText } from "./PlainText";

/** `plain`: the person prefers the text that came beside the HTML. */
export function MessageBody({ email, plain }: { email: EmailDetail; plain: boolean }) {
  const html = useMemo(() => htmlOf(email), [email]);
  const text = useMemo(() => plainOf(email), [email]);
  if (html !== null && !(plain && text !== null)) return <HtmlBody email={email} html={html} />;
  return (
    <div className="text-body">
      {text?.trim() ? <PlainText text={text} /> : <p className="no-text">This message has no text.</p>}
      {isTruncated(email) && <p className="no-text">The text goes on. Download the original to read all of it.</p>}
    </div>
  );
}

/**
 * The server cleans the HTML and serves it under a policy of its own. Whether
 * pictures are fetched from elsewhere is asked anew for each message.
 */
function HtmlBody({ email, html }: { email: EmailDetail; html: string }) {
  const [pictures, setPictures] = useState(false);
  // Only the first part of a very long message is here to be asked.
  const asks = useMemo(() => isTruncated(email) || wantsRemotePictures(html), [email, html]);
  const adapts = useMemo(() => !isTruncated(email) && !hasOwnColours(html), [email, html]);
  const src = `/api/messages/${encodeURIComponent(email.id)}/html?images=${pictures ? 1 : 0}`;
  return (
    <>
      {asks && !pictures && (
        <div className="pictures-bar">
          <Icon name="picture" size={18} />
          <span>Remote pictures are hidden, so the sender does not learn that you read this.</span>
          <button type="button" onClick={() => setPictures(true)}>
            Show pictures
          </button>
        </div>
      )}
      {/* A new frame for a new address: a changed `src` would be an entry of the history. */}
      <HtmlFrame key={src} src={src} adapts={adapts} />
    </>
  );
}
