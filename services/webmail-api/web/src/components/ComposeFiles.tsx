import type { DraftAttachment } from "../mail/compose/content";
import { formatBytes } from "../mail/format";
import { Icon } from "./Icon";

interface Props {
  files: readonly DraftAttachment[];
  onRemove: (key: string) => void;
}

export function ComposeFiles({ files, onRemove }: Props) {
  if (files.length === 0) return null;
  return (
    <ul className="compose-files" aria-label="Attachments">
      {files.map((file) => (
        <li key={file.key} className={file.error ? "failed" : undefined}>
          <Icon name={file.type.startsWith("image/") ? "picture" : "file"} size={16} />
          <span className="attachment-name" title={file.name}>
            {file.name}
          </span>
          <small>{file.error ?? formatBytes(file.size)}</small>
          <button type="button" aria-label={`Remove ${file.name}`} onClick={() => onRemove(file.key)}>
            <Icon name="close" size={14} />
          </button>
          {file.blobId === null && !file.error && (
            <progress value={file.progress} max={1} aria-label={`Uploading ${file.name}`} />
          )}
        </li>
      ))}
    </ul>
  );
}
