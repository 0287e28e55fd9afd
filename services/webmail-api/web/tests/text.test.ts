import { describe, expect, it } from "vitest";
import { hasOwnColours, wantsRemotePictures } from "../src/mail/html";
import { linkify } from "../src/mail/linkify";
import { formatRoute, parseRoute } from "../src/mail/route";
import { matches, ranked } from "../src/mail/suggestions";
import { parseMailto } from "../src/mail/mailto";

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
    expect(
      linkify(text)
        .map((piece) => piece.text)
        .join(""),
    ).toBe(text);
  });
});

describe("parseMailto (RFC 6068)", () => {
  it("reads recipients, subject and text", () => {
    expect(parseMailto("mailto:ana@a.example,bo@b.example?cc=c@c.example&subject=East%20wall&body=a%0D%0Ab+c")).toEqual(
      {
        to: [
          { name: null, email: "ana@a.example" },
          { name: null, email: "bo@b.example" },
        ],
        cc: [{ name: null, email: "c@c.example" }],
        bcc: [],
        subject: "East wall",
        body: "a\nb+c",
      },
    );
    expect(parseMailto("MAILTO:?to=a%40b.example")?.to).toEqual([{ name: null, email: "a@b.example" }]);
  });
  it("lets a link set nothing else, and breaks at nothing", () => {
    const found = parseMailto("mailto:a@b.example?attach=/etc/passwd&subject=%ZZ%0Ax&bcc");
    expect(found).toMatchObject({ subject: "%ZZ%0Ax", bcc: [] });
    expect(Object.keys(found!)).toEqual(["to", "cc", "bcc", "subject", "body"]);
    expect(parseMailto("https://a.example")).toBeNull();
  });
});

describe("suggestions", () => {
  const ana = { name: "Ana Maria Sol", email: "am@a.example" };
  it("match a name from any word on, or an address from its start", () => {
    expect(["ana", "mar", "maria s", "am@"].every((typed) => matches(ana, typed))).toBe(true);
    expect(["na", "example", "sol maria"].some((typed) => matches(ana, typed))).toBe(false);
  });
  it("come most frequent first, under the name that is known", () => {
    const people = [{ name: null, email: "b@b.example" }, { name: null, email: "AM@a.example" }, ana];
    expect(ranked(people)).toEqual([ana, people[0]]);
  });
});

it("wantsRemotePictures", () => {
  expect(wantsRemotePictures('<p>hi</p><img alt="" src="cid:1">')).toBe(false);
  expect(wantsRemotePictures("<IMG alt=x SRC=https://x.example/p.png>")).toBe(true);
  expect(wantsRemotePictures('<td background="//x.example/p.png">')).toBe(true);
  expect(wantsRemotePictures("<div style=\"background:url('http://x.example')\">")).toBe(true);
  expect(wantsRemotePictures('<a href="https://x.example">x</a>')).toBe(false);
});

it("hasOwnColours looks at what is designed, not at what is said", () => {
  expect(hasOwnColours('<p style="margin:0">The color: red. bgcolor=blue</p>')).toBe(false);
  expect(hasOwnColours('<td bgcolor="#fff">x</td>')).toBe(true);
  expect(hasOwnColours('<p style="background:#eee">x</p>')).toBe(true);
  expect(hasOwnColours("<style>p { color: red }</style><p>x</p>")).toBe(true);
  expect(hasOwnColours('<font color="red">x</font>')).toBe(true);
});

it("a mangled address does not break the page", () => {
  expect(parseRoute("/mail/%E0%A4%A/E1", "")).toEqual({ mailboxId: "%E0%A4%A", emailId: "E1", search: "" });
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
