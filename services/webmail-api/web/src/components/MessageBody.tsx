import { useMemo, useState } from "react";
import type { EmailDetail } from "../jmap/types";
import { htmlOf, isTruncated, plainOf } from "../mail/body";
import { wantsRemotePictures } from "../mail/html";
import { Icon } from "./Icon";
import { PlainText } from "./PlainText";

export function MessageBody({ email }: { email: EmailDetail }) {
  const html = useMemo(() => htmlOf(email), [email]);
  if (html !== null) return <HtmlBody email={email} html={html} />;
  const text = plainOf(email) ?? "";
  return (
    <div className="body-scroll" tabIndex={0} role="document" aria-label="Message text">
      {text.trim() ? <PlainText text={text} /> : <p className="no-text">This message has no text.</p>}
      {isTruncated(email) && <p className="no-text">The text goes on. Download the original to read all of it.</p>}
    </div>
  );
}

/**
 * HTML is cleaned by the server and shown in a frame without scripts and
 * without this page's origin, so nothing in it can reach the person's mail.
 */
function HtmlBody({ email, html }: { email: EmailDetail; html: string }) {
  const [pictures, setPictures] = useState(false);
  // Only the first part of a very long message is here to be asked.
  const asks = useMemo(() => isTruncated(email) || wantsRemotePictures(html), [email, html]);
  const src = `/api/messages/${encodeURIComponent(email.id)}/html?images=${pictures ? 1 : 0}`;
  return (
    <>
      {asks && !pictures && (
        <div className="pictures-bar" role="status">
          <Icon name="picture" size={18} />
          <span>Remote pictures are not shown</span>
          <button type="button" onClick={() => setPictures(true)}>
            Show
          </button>
        </div>
      )}
      <div className="frame-box">
        {/* A new frame for a new address: a changed `src` would be an entry of the history. */}
        <iframe
          key={src}
          src={src}
          title="Message"
          sandbox="allow-popups allow-popups-to-escape-sandbox"
          referrerPolicy="no-referrer"
        />
      </div>
    </>
  );
}
