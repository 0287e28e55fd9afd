import type { Role } from "../mail/mailboxes";
import { Harbour } from "./Harbour";

const WORDS: Partial<Record<Role, [title: string, text: string]>> = {
  inbox: ["All quiet in the harbour", "New messages come in here by themselves."],
  drafts: ["No drafts", "What you begin to write is kept here until you send it."],
  sent: ["Nothing sent yet", "Messages you send are kept here."],
  archive: ["The archive is empty", "Press e to put away what you are done with."],
  junk: ["No junk", "Unwanted messages end up here."],
  trash: ["The Trash is empty", "Deleted messages stay here until you empty it."],
};

interface Props {
  role: Role | null;
  search: string;
  everywhere: boolean;
  onEverywhere: () => void;
}

export function ListEmpty({ role, search, everywhere, onEverywhere }: Props) {
  const unreadOnly = search === "is:unread";
  const [title, text] = unreadOnly
    ? ["Nothing unread", "You have read everything here."]
    : search
      ? ["Nothing found", "No message here fits your search."]
      : ((role && WORDS[role]) ?? ["This folder is empty", "Move messages here to keep them together."]);
  return (
    <div className="empty">
      <Harbour />
      <h2>{title}</h2>
      <p>{text}</p>
      {search && !unreadOnly && !everywhere && (
        <button type="button" className="button" onClick={onEverywhere}>
          Search all mail
        </button>
      )}
    </div>
  );
}
