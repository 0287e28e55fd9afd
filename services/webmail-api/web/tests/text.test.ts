import { describe, expect, it } from "vitest";
import { wantsRemotePictures } from "../src/mail/html";
import { linkify } from "../src/mail/linkify";
import { formatRoute, parseRoute } from "../src/mail/route";
import { filterOf } from "../src/mail/search";

describe("linkify", () => {
  const links = (text: string) => linkify(text).flatMap((piece) => (piece.kind === "link" ? [piece.href] : []));

  it("finds addresses and leaves the sentence its marks", () => {
    expect(links("See https://e.example/a_(b), (http://f.example) or www.g.example.")).toEqual([
      "https://e.example/a_(b)",
      "http://f.example",
      "https://www.g.example",
    ]);
    expect(links("Write to ana.b@c.example.")).toEqual(["mailto:ana.b@c.example"]);
  });
  it("never makes a link of another scheme", () => {
    expect(links("javascript:alert(1) data:text/html,x file:///etc/passwd")).toEqual([]);
  });
  it("loses no character", () => {
    const text = "a https://x.example/?q=1&b=2, <www.y.example> ünd z@z.example!";
    expect(linkify(text).map((piece) => piece.text).join("")).toBe(text);
  });
});

describe("filterOf", () => {
  it("joins a folder, words and narrowing terms", () => {
    expect(filterOf({ mailboxId: "M1", search: "" })).toEqual({ inMailbox: "M1" });
    expect(filterOf({ mailboxId: null, search: "" })).toBeNull();
    expect(filterOf({ mailboxId: "M1", search: 'from:ana quay is:unread subject:"east wall" has:attachment wall' })).toEqual({
      operator: "AND",
      conditions: [
        { inMailbox: "M1" },
        { from: "ana" },
        { notKeyword: "$seen" },
        { subject: "east wall" },
        { hasAttachment: true },
        { text: "quay wall" },
      ],
    });
  });
  it("takes what it does not know as words", () => {
    expect(filterOf({ mailboxId: null, search: "is:blue http://x before:soon" })).toEqual({ text: "is:blue http://x before:soon" });
  });
});

it("wantsRemotePictures", () => {
  expect(wantsRemotePictures('<p>hi</p><img alt="" src="cid:1">')).toBe(false);
  expect(wantsRemotePictures("<IMG alt=x SRC=https://x.example/p.png>")).toBe(true);
  expect(wantsRemotePictures('<td background="//x.example/p.png">')).toBe(true);
  expect(wantsRemotePictures("<div style=\"background:url('http://x.example')\">")).toBe(true);
  expect(wantsRemotePictures('<a href="https://x.example">x</a>')).toBe(false);
});

it("routes read back what they write", () => {
  for (const route of [
    { mailboxId: "M1", emailId: null, search: "" },
    { mailboxId: null, emailId: "E5", search: "from:a b&c" },
    { mailboxId: undefined, emailId: null, search: "" },
  ]) {
    const [path = "", query = ""] = formatRoute(route).split("?");
    expect(parseRoute(path, query)).toEqual(route);
  }
});
