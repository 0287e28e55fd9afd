import { describe, expect, it } from "vitest";
import { quote, quoteBlocks } from "../src/mail/quoting";
import {
  forwardedText,
  forwardSubject,
  identityFor,
  quotedReply,
  replyRecipients,
  replyReferences,
  replySubject,
} from "../src/mail/reply";

const ana = { name: "Ana", email: "ana@a.example" };
const bo = { name: "Bo", email: "bo@b.example" };
const me = { name: "Me", email: "me@here.example" };
const list = { name: null, email: "list@l.example" };

describe("subjects", () => {
  it("get one prefix, however often one replies", () => {
    expect(replySubject("Quay")).toBe("Re: Quay");
    expect(replySubject("RE: Quay")).toBe("RE: Quay");
    expect(replySubject("Re[2]: Quay")).toBe("Re[2]: Quay");
    expect(replySubject(null)).toBe("Re:");
    expect(forwardSubject("Fwd: Quay")).toBe("Fwd: Quay");
    expect(forwardSubject("Re: Quay")).toBe("Fwd: Re: Quay");
  });
});

describe("replyReferences (RFC 5322, 3.6.4)", () => {
  it("appends the Message-ID to the references", () => {
    expect(replyReferences({ messageId: ["c"], inReplyTo: ["b"], references: ["a", "b"] })).toEqual(["a", "b", "c"]);
  });
  it("takes a single In-Reply-To when there are no references", () => {
    expect(replyReferences({ messageId: ["c"], inReplyTo: ["b"], references: null })).toEqual(["b", "c"]);
    expect(replyReferences({ messageId: ["c"], inReplyTo: ["a", "b"], references: [] })).toEqual(["c"]);
  });
  it("is empty for a message without a Message-ID", () => {
    expect(replyReferences({ messageId: null, inReplyTo: ["b"], references: ["a"] })).toEqual([]);
  });
});

describe("replyRecipients", () => {
  const base = { from: [ana], to: [me, bo], cc: [list, ana], replyTo: null };
  it("goes to the sender only", () => {
    expect(replyRecipients(base, false, [me])).toEqual({ to: [ana], cc: [] });
  });
  it("goes to Reply-To when there is one", () => {
    expect(replyRecipients({ ...base, replyTo: [list] }, false, [me]).to).toEqual([list]);
  });
  it("goes to all but oneself, each once", () => {
    expect(replyRecipients(base, true, [me])).toEqual({ to: [ana, bo], cc: [list] });
  });
  it("goes to the recipients again when one wrote it oneself", () => {
    expect(replyRecipients({ from: [me], to: [bo], cc: [list], replyTo: null }, true, [me])).toEqual({
      to: [bo],
      cc: [list],
    });
  });
});

it("identityFor finds the address a message came to", () => {
  const identities = [
    { id: "I1", name: "", email: "first@x.example", replyTo: null },
    { id: "I2", name: "", email: "ME@here.example", replyTo: null },
  ];
  expect(identityFor({ from: [ana], to: [bo], cc: [me], bcc: null }, identities)?.id).toBe("I2");
  expect(identityFor({ from: [ana], to: [bo], cc: null, bcc: null }, identities)?.id).toBe("I1");
});

describe("quoting", () => {
  it("marks each line, and does not widen quotes", () => {
    expect(quote("one\r\n\r\n> two\nthree\n\n")).toBe("> one\n>\n>> two\n> three");
  });
  it("puts the attribution before, and room to write above", () => {
    const text = quotedReply({ from: [ana], sentAt: "2026-11-24T10:00:00Z", receivedAt: "" }, "Hi");
    expect(text).toMatch(/^\n\nOn .*2026.*, Ana <ana@a.example> wrote:\n> Hi\n$/);
  });
  it("shows the head of a forwarded message", () => {
    const mail = { from: [ana], to: [me], cc: [bo], subject: "Quay", sentAt: "2026-11-24T10:00:00Z", receivedAt: "" };
    const text = forwardedText(mail, "Body\r\nmore");
    expect(text).toContain("From: Ana <ana@a.example>\n");
    expect(text).toContain("Cc: Bo <bo@b.example>\n\nBody\nmore\n");
  });
  it("cuts a text into own words and quotes", () => {
    expect(quoteBlocks("a\n> b\n> c\nd")).toEqual([
      { quoted: false, text: "a" },
      { quoted: true, text: "> b\n> c" },
      { quoted: false, text: "d" },
    ]);
  });
});
