import { useState } from "react";
import type { EmailAddress, EmailDetail } from "../jmap/types";
import { FLAGGED } from "../mail/actions";
import { displayName } from "../mail/addresses";
import { fullDate, listDate } from "../mail/dates";
import { cleanSubject } from "../mail/format";
import { compose } from "../mail/compose/host";
import { useMail } from "../mail/context";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";

export function ReaderHeader({ email, onFlag }: { email: EmailDetail; onFlag: () => void }) {
  const [details, setDetails] = useState(false);
  const from = email.from?.[0];
  const flagged = Boolean(email.keywords[FLAGGED]);
  const others = [...(email.to ?? []), ...(email.cc ?? [])];
  return (
    <header className="reader-head">
      <div className="subject-line">
        <h1 dir="auto">{cleanSubject(email.subject)}</h1>
        <IconButton
          className={`flag-button ${flagged ? "on" : ""}`}
          icon="star"
          filled={flagged}
          label={flagged ? "Remove flag" : "Flag"}
          hint="s"
          aria-pressed={flagged}
          onClick={onFlag}
        />
      </div>
      <div className="sender-line">
        <Avatar address={from} size="large" />
        <div className="sender">
          <span className="sender-name">
            <strong>{from ? displayName(from) : "(unknown sender)"}</strong>
            {from?.name && <span className="sender-address">{from.email}</span>}
          </span>
          <button type="button" className="recipients" aria-expanded={details} onClick={() => setDetails(!details)}>
            <span>{others.length > 0 ? `to ${shortList(others)}` : "to undisclosed recipients"}</span>
            <Icon name="down" size={14} />
          </button>
        </div>
        <time dateTime={email.receivedAt} title={fullDate(email.receivedAt)}>
          <span className="date-long">{fullDate(email.sentAt ?? email.receivedAt)}</span>
          <span className="date-short">{listDate(email.receivedAt)}</span>
        </time>
      </div>
      {details && (
        <dl className="details">
          <Line label="From" list={email.from} />
          <Line label="Reply to" list={email.replyTo} />
          <Line label="To" list={email.to} />
          <Line label="Cc" list={email.cc} />
          <Line label="Bcc" list={email.bcc} />
          <div>
            <dt>Date</dt>
            <dd>{fullDate(email.sentAt ?? email.receivedAt)}</dd>
          </div>
        </dl>
      )}
    </header>
  );
}

function Line({ label, list }: { label: string; list: EmailAddress[] | null }) {
  const mail = useMail();
  if (!list?.length) return null;
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        {list.map((address, i) => (
          <button
            key={`${address.email}${i}`}
            type="button"
            className="address"
            title={`Write to ${address.email}`}
            onClick={() => void compose(mail, { to: [address] })}
          >
            {address.name && <span>{address.name}</span>} <span className="sender-address">{address.email}</span>
          </button>
        ))}
      </dd>
    </div>
  );
}

function shortList(list: readonly EmailAddress[]): string {
  const shown = list.slice(0, 3).map(displayName).join(", ");
  return list.length > 3 ? `${shown} and ${list.length - 3} more` : shown;
}
