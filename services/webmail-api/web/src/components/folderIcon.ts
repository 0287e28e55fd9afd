import type { Mailbox } from "../jmap/types";
import { roleOf } from "../mail/mailboxes";
import type { IconName } from "./Icon";

export function folderIcon(mailbox: Mailbox): IconName {
  return roleOf(mailbox) ?? "folder";
}
