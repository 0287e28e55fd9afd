import { expect, it } from "vitest";
import { dayGroup, listDate } from "../src/mail/dates";
import { formatBytes } from "../src/mail/format";

const now = new Date(2026, 10, 24, 15, 0);
const at = (...parts: [number, number, number, number?, number?]) =>
  new Date(parts[0], parts[1], parts[2], parts[3] ?? 12, parts[4] ?? 0).toISOString();

it("listDate is relative to the calendar, not to hours", () => {
  expect(listDate(at(2026, 10, 24, 0, 5), now, "en-GB")).toBe("00:05");
  expect(listDate(at(2026, 10, 23, 23, 59), now, "en-GB")).toBe("Yesterday");
  expect(listDate(at(2026, 10, 20), now, "en-GB")).toBe("Fri");
  expect(listDate(at(2026, 10, 17), now, "en-GB")).toBe("17 Nov");
  expect(listDate(at(2025, 11, 31), now, "en-GB")).toBe("31 Dec 2025");
  expect(listDate("nonsense", now)).toBe("");
});

it("a message from the future is not of yesterday", () => {
  expect(listDate(at(2026, 10, 26), now, "en-GB")).toBe("26 Nov");
  expect(dayGroup(at(2026, 10, 26), now)).toBe("Today");
});

it("dayGroup makes few headings", () => {
  expect(dayGroup(at(2026, 10, 24), now)).toBe("Today");
  expect(dayGroup(at(2026, 10, 23), now)).toBe("Yesterday");
  expect(dayGroup(at(2026, 10, 19), now)).toBe("Past week");
  expect(dayGroup(at(2026, 10, 2), now, "en-GB")).toBe("November");
  expect(dayGroup(at(2025, 5, 2), now, "en-GB")).toBe("June 2025");
});

it("formatBytes", () => {
  expect(formatBytes(999)).toBe("999 B");
  expect(formatBytes(2_481_233)).toBe("2.5 MB");
  expect(formatBytes(48_123)).toBe("48 kB");
});
