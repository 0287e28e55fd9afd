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
    save: vi.fn(async () => `E${++n}`),
    submit: vi.fn(async () => {}),
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
    const { content } = emptyStart([identity], { to: [ana] });
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

  it("stores a message before it is sent, and sends what is stored", async () => {
    const transport = fakeTransport();
    const draft = session(transport);
    draft.update({ to: [ana] });
    expect(await draft.prepare()).toBe(true);
    expect(transport.save).toHaveBeenCalledTimes(1);
    expect(transport.submit).not.toHaveBeenCalled();
    expect(await draft.submit()).toBe(true);
    expect(transport.submit).toHaveBeenCalledWith("E1", identity, false);
    expect(draft.state.get().status).toBe("gone");
  });

  it("goes on as a draft when it is called back", async () => {
    const transport = fakeTransport();
    const draft = session(transport);
    draft.update({ to: [ana] });
    await draft.prepare();
    draft.recall();
    draft.update({ subject: "after all" });
    await draft.flush();
    expect(transport.save).toHaveBeenLastCalledWith(expect.objectContaining({ subject: "after all" }), identity, "E1");
    expect(transport.submit).not.toHaveBeenCalled();
  });

  it("keeps the draft when sending is refused", async () => {
    const transport = fakeTransport();
    transport.submit.mockRejectedValueOnce(new Error("No."));
    const draft = session(transport);
    draft.update({ to: [ana] });
    await draft.prepare();
    expect(await draft.submit()).toBe(false);
    expect(draft.state.get()).toMatchObject({ status: "failed", error: "No." });
    expect(draft.emailId).toBe("E1");
    await draft.prepare();
    expect(await draft.submit()).toBe(true);
  });

  it("does not prepare what cannot be sent or stored", async () => {
    const transport = fakeTransport();
    const draft = session(transport);
    expect(await draft.prepare()).toBe(false);
    expect(draft.state.get().error).toMatch(/recipient/);
    draft.update({ to: [ana] });
    transport.save.mockRejectedValueOnce(new Error("Full."));
    expect(await draft.prepare()).toBe(false);
    expect(draft.state.get()).toMatchObject({ status: "failed", error: "Full." });
  });

  it("waits for a save on its way before it stores the rest", async () => {
    const transport = fakeTransport();
    let finish: (emailId: string) => void = () => {};
    transport.save.mockReturnValueOnce(new Promise((resolve) => (finish = resolve)));
    const draft = session(transport);
    draft.update({ to: [ana] });
    await vi.advanceTimersByTimeAsync(3_000);
    draft.update({ subject: "more" });
    const prepared = draft.prepare();
    expect(transport.save).toHaveBeenCalledTimes(1);
    finish("E7");
    expect(await prepared).toBe(true);
    expect(transport.save).toHaveBeenLastCalledWith(expect.objectContaining({ subject: "more" }), identity, "E7");
  });
});
