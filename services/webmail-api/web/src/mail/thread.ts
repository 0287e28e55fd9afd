import { useQuery } from "@tanstack/react-query";
import { responseOf } from "../jmap/request";
import type { EmailRow, GetResponse } from "../jmap/types";
import { useMail } from "./context";
import { keys, ROW } from "./keys";

/** The messages of a conversation (RFC 8621, section 3), the oldest first. */
export function useThread(threadId: string): readonly EmailRow[] {
  const { client } = useMail();
  const query = useQuery({
    queryKey: keys.thread(threadId),
    queryFn: async ({ signal }): Promise<EmailRow[]> => {
      const request = client.request();
      const thread = request.call<GetResponse<unknown>>("Thread/get", { ids: [threadId] });
      const emails = request.call<GetResponse<EmailRow>>("Email/get", {
        "#ids": thread.ref("/list/*/emailIds"),
        properties: ROW,
      });
      const { list } = responseOf(await client.send(request, { signal }), emails);
      return list.sort((a, b) => a.receivedAt.localeCompare(b.receivedAt));
    },
  });
  return query.data ?? [];
}
