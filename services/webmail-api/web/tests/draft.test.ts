import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Identity } from "../src/jmap/types";
import { emptyStart } from "../src/mail/compose/content";
import { emailOf, forgotAttachment, obstacle } from "../src/mail/compose/email";
import { DraftSession } from "../src/mail/compose/session";
import type { DraftTransport } from "../src/mail/compose/transport";

const identity: Identity = { id: "I1", name: "Me", email: "me@here.example", replyTo: null };
const ana = { name: null, email: "ana@a.example" };

function fakeTransport() {
  let n = 0;
  return {
    client: { maxUploadBytes: 1000 },
    save: vi.fn(async () => ({ emailId: `E${++n}`, error: null })),
    send: vi.fn(async () => ({ emailId: `E${++n}`, error: null as Error | null })),
    discard: vi.fn(async () => {}),
    markOrigin: vi.fn(async () => {}),
    attachmentBlobs: vi.fn(async () => [] as string[]),
  };
}

function session(transport: ReturnType<typeof fakeTransport>) {
  return new DraftSession(emptyStart([identity]), transport as unknown as DraftTransport, [identity], () => {});
}

describe("emailOf", () => {
  it("makes a draft of plain text, without empty header fields", () => {
    const { content } = emptyStart([identity], [ana]);
    expect(emailOf({ ...content, subject: "S", body: "B" }, identity, "M2")).toEqual({
      mailboxIds: { M2: true },
      keywords: { $draft: true, $seen: true },
      from: [{ name: "Me", email: "me@here.example" }],
      to: [ana],
      subject: "S",
      textBody: [{ partId: "text", type: "text/plain" }],
      bodyValues: { text: { value: "B" } },
    });
  });
});

it("obstacle names what is missing", () => {
  const { content } = emptyStart([identity]);
  expect(obstacle(content)).toMatch(/recipient/);
  expect(obstacle({ ...content, to: [{ name: null, email: "nobody" }] })).toMatch(/nobody/);
  expect(obstacle({ ...content, bcc: [ana] })).toBeNull();
});

it("forgotAttachment looks at one's own words only", () => {
  const { content } = emptyStart([identity]);
  expect(forgotAttachment({ ...content, body: "The plan is attached." })).toBe(true);
  expect(forgotAttachment({ ...content, body: "Thanks!\n\nOn Mon, Ana wrote:\n> it is attached" })).toBe(false);
});

describe("DraftSession", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("saves once after a pause, and replaces the draft the next time", async () => {
    const transport = fakeTransport();
    const draft = session(transport);
    draft.update({ subject: "a" });
    draft.update({ subject: "ab" });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(transport.save).toHaveBeenCalledTimes(1);
    expect(draft.state.get().status).toBe("saved");
    draft.update({ subject: "abc" });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(transport.save).toHaveBeenLastCalledWith(expect.objectContaining({ subject: "abc" }), identity, "E1");
    expect(draft.emailId).toBe("E2");
  });

  it("does not store what was never changed", async () => {
    const transport = fakeTransport();
    await session(transport).flush();
    expect(transport.save).not.toHaveBeenCalled();
  });

  it("keeps the draft when sending is refused", async () => {
    const transport = fakeTransport();
    transport.send.mockResolvedValueOnce({ emailId: "E9", error: new Error("No.") });
    const draft = session(transport);
    draft.update({ to: [ana] });
    expect(await draft.send()).toBe(false);
    expect(draft.state.get()).toMatchObject({ status: "failed", error: "No." });
    expect(draft.emailId).toBe("E9");
    expect(await draft.send()).toBe(true);
    expect(transport.send).toHaveBeenLastCalledWith(expect.anything(), identity, "E9");
  });

  it("waits for a save on its way before it sends", async () => {
    const transport = fakeTransport();
    let finish: (value: { emailId: string; error: null }) => void = () => {};
    transport.save.mockReturnValueOnce(new Promise((resolve) => (finish = resolve)));
    const draft = session(transport);
    draft.update({ to: [ana] });
    await vi.advanceTimersByTimeAsync(3_000);
    const sending = draft.send();
    expect(transport.send).not.toHaveBeenCalled();
    finish({ emailId: "E7", error: null });
    expect(await sending).toBe(true);
    expect(transport.send).toHaveBeenLastCalledWith(expect.anything(), identity, "E7");
  });
});
