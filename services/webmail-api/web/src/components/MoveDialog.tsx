import { type KeyboardEvent, useState } from "react";
import type { Mailbox } from "../jmap/types";
import { flatten, mailboxTree, pathOf, roleOf } from "../mail/mailboxes";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { folderIcon } from "./folderIcon";

interface Props {
  mailboxes: readonly Mailbox[];
  currentId: string | null;
  title: string;
  onPick: (mailbox: Mailbox) => void;
  onClose: () => void;
}

/** Choosing a folder: type a few letters and press Enter, or click. */
export function MoveDialog({ mailboxes, currentId, title, onPick, onClose }: Props) {
  // Nothing is chosen at first, so that a stray Enter moves nothing.
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(-1);
  const tree = mailboxTree(mailboxes);
  const wanted = typed.trim().toLowerCase();
  const found = flatten([...tree.special, ...tree.others])
    .map(({ mailbox }) => ({ mailbox, path: pathOf(mailbox, mailboxes) }))
    .filter(({ mailbox }) => mailbox.id !== currentId && roleOf(mailbox) !== "drafts")
    .filter(({ mailbox }) => mailbox.myRights?.mayAddItems ?? true)
    .filter(({ path }) => path.toLowerCase().includes(wanted));
  const chosen = Math.min(at, found.length - 1);

  const onKeyDown = (event: KeyboardEvent) => {
    // Enter ends what an input method composes; it is not meant for us.
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt(Math.max(0, Math.min(chosen + step, found.length - 1)));
    } else if (event.key === "Enter" && found[chosen] !== undefined) {
      event.preventDefault();
      onPick(found[chosen].mailbox);
    }
  };

  return (
    <Dialog title={title} onClose={onClose} className="move-dialog">
      <input
        className="filter-input"
        placeholder="Find a folder"
        aria-label="Find a folder"
        role="combobox"
        aria-expanded="true"
        aria-controls="move-options"
        aria-activedescendant={found[chosen] ? `move-${found[chosen].mailbox.id}` : undefined}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="move-options" role="listbox" aria-label="Folders" className="options">
        {found.map(({ mailbox, path }, i) => (
          <li
            key={mailbox.id}
            id={`move-${mailbox.id}`}
            role="option"
            aria-selected={i === chosen}
            ref={i === chosen ? scrollTo : undefined}
            onClick={() => onPick(mailbox)}
          >
            <Icon name={folderIcon(mailbox)} size={18} />
            <span>{path}</span>
          </li>
        ))}
        {found.length === 0 && <li className="none">No folder of that name</li>}
      </ul>
    </Dialog>
  );
}

function scrollTo(node: HTMLElement | null): void {
  node?.scrollIntoView({ block: "nearest" });
}
