import { describe, expect, it } from "vitest";
import {
  formatAddress,
  initials,
  looksValid,
  parseAddresses,
  splitAddresses,
  uniqueAddresses,
} from "../src/mail/addresses";

describe("splitAddresses", () => {
  it("keeps commas inside quotes and angle brackets", () => {
    expect(splitAddresses('"Sousa, Ana" <ana@a.example>, bo@b.example;c@c.example\nd@d.example')).toEqual([
      '"Sousa, Ana" <ana@a.example>',
      "bo@b.example",
      "c@c.example",
      "d@d.example",
    ]);
  });

  it("is not led astray by an escaped quote", () => {
    expect(splitAddresses('"A \\" b, c" <a@a.example>, d@d.example')).toHaveLength(2);
  });

  it("drops empty parts", () => {
    expect(splitAddresses(" , ;\n")).toEqual([]);
  });
});

describe("parseAddresses", () => {
  it("reads a name, a quoted name, a bare address and mailto:", () => {
    expect(parseAddresses('Ana <ana@a.example>, "B, Bo" <bo@b.example>, <c@c.example>, mailto:d@d.example')).toEqual([
      { name: "Ana", email: "ana@a.example" },
      { name: "B, Bo", email: "bo@b.example" },
      { name: null, email: "c@c.example" },
      { name: null, email: "d@d.example" },
    ]);
  });
});

describe("formatAddress", () => {
  it("quotes a name where needed, and reads back the same", () => {
    for (const name of ["Ana Sousa", "Sousa, Ana", 'The "Crane"', "J. R. Hartley", "Björn Håkansson"]) {
      const address = { name, email: "x@y.example" };
      expect(parseAddresses(formatAddress(address))).toEqual([address]);
    }
    expect(formatAddress({ name: "Sousa, Ana", email: "a@b.example" })).toBe('"Sousa, Ana" <a@b.example>');
  });
});

it("looksValid asks for two parts and no blanks", () => {
  expect(looksValid({ name: null, email: "a@b.example" })).toBe(true);
  expect(looksValid({ name: null, email: "jürgen@bücher.example" })).toBe(true);
  for (const email of ["", "a", "a@", "@b", "a b@c", "a@b@c"]) expect(looksValid({ name: null, email })).toBe(false);
});

it("uniqueAddresses ignores case and keeps the first", () => {
  const list = [
    { name: "A", email: "a@b.example" },
    { name: null, email: "A@B.example" },
  ];
  expect(uniqueAddresses(list)).toEqual([list[0]]);
});

it("initials come from the name, else from the address", () => {
  expect(initials({ name: "Ana Maria Sousa", email: "x@y" })).toBe("AS");
  expect(initials({ name: null, email: "build-bot@ci.example" })).toBe("BB");
  expect(initials({ name: "😀 Jo", email: "x@y" })).toBe("J");
  expect(initials(undefined)).toBe("?");
});
