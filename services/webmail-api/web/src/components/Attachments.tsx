import { useState } from "react";
import type { BodyPart, EmailDetail } from "../jmap/types";
import { attachmentName, listedAttachments } from "../mail/body";
import { useMail } from "../mail/context";
import { formatBytes } from "../mail/format";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";

/** Pictures that every browser shows; SVG is a document, and stays a file. */
const SHOWN = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);
/** A larger one is not fetched just to make a small picture of it. */
const MAX_THUMBNAIL = 4_000_000;

interface File {
  name: string;
  url: string;
  part: BodyPart;
}

export function Attachments({ email }: { email: EmailDetail }) {
  const { client } = useMail();
  const [shown, setShown] = useState<File | null>(null);
  const files = listedAttachments(email).map((part): File => {
    const name = attachmentName(part);
    return { name, part, url: client.downloadUrl(part.blobId ?? "", name, part.type) };
  });
  if (files.length === 0) return null;
  return (
    <>
      <ul className="attachments" aria-label="Attachments">
        {files.map((file, i) => (
          <li key={`${file.part.blobId}${i}`}>
            {SHOWN.has(file.part.type) && file.part.size <= MAX_THUMBNAIL ? (
              <button type="button" className="attachment" title={`Show ${file.name}`} onClick={() => setShown(file)}>
                <img src={file.url} alt="" width={44} height={44} loading="lazy" />
                <Caption file={file} />
              </button>
            ) : (
              <a className="attachment" href={file.url} download={file.name} title={`Download ${file.name}`}>
                <span className="attachment-kind">{kindOf(file)}</span>
                <Caption file={file} />
                <Icon name="download" size={18} />
              </a>
            )}
          </li>
        ))}
      </ul>
      {shown && (
        <Dialog title={shown.name} className="picture-dialog" onClose={() => setShown(null)}>
          <img src={shown.url} alt={shown.name} />
          <footer>
            <a className="button primary" href={shown.url} download={shown.name}>
              <Icon name="download" size={18} /> Download
            </a>
          </footer>
        </Dialog>
      )}
    </>
  );
}

function Caption({ file }: { file: File }) {
  return (
    <span className="attachment-text">
      <span className="attachment-name">{file.name}</span>
      <small>{formatBytes(file.part.size)}</small>
    </span>
  );
}

/** Up to four letters, as the file's name ends: PDF, DOCX, ICS. */
function kindOf({ name, part }: File) {
  const ending = /\.(\w{1,4})$/.exec(name)?.[1];
  return ending ? ending.toUpperCase() : <Icon name={part.type.startsWith("image/") ? "picture" : "file"} size={20} />;
}
