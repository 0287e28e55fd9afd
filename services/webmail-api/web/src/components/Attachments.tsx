import type { BodyPart, EmailDetail } from "../jmap/types";
import { attachmentName, listedAttachments } from "../mail/body";
import { useMail } from "../mail/context";
import { formatBytes } from "../mail/format";
import { Icon } from "./Icon";

export function Attachments({ email }: { email: EmailDetail }) {
  const { client } = useMail();
  const list = listedAttachments(email);
  if (list.length === 0) return null;
  return (
    <ul className="attachments" aria-label="Attachments">
      {list.map((part, i) => {
        const name = attachmentName(part);
        return (
          <li key={`${part.blobId}${i}`}>
            <a
              className="attachment"
              href={client.downloadUrl(part.blobId ?? "", name, part.type)}
              download={name}
              title={`Download ${name}`}
            >
              <Icon name={iconOf(part)} size={18} />
              <span className="attachment-name">{name}</span>
              <small>{formatBytes(part.size)}</small>
              <Icon name="download" size={16} />
            </a>
          </li>
        );
      })}
    </ul>
  );
}

function iconOf(part: BodyPart) {
  if (part.type.startsWith("image/")) return "picture";
  return part.type === "message/rfc822" ? "inbox" : "file";
}
