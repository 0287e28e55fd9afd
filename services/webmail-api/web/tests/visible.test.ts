import { expect, it } from "vitest";
import { blockAt, HEADING_HEIGHT, layOut, rangeAt, ROW_HEIGHT } from "../src/mail/visible";

const headings = Array.from({ length: 1000 }, (_, i) => (i % 100 === 0 ? `Day ${i / 100}` : null));
const tops = layOut(headings);

it("lays rows out below each other, with their headings", () => {
  expect(tops[1]).toBe(ROW_HEIGHT + HEADING_HEIGHT);
  expect(tops[2]).toBe(2 * ROW_HEIGHT + HEADING_HEIGHT);
  expect(tops.at(-1)).toBe(1000 * ROW_HEIGHT + 10 * HEADING_HEIGHT);
  expect(layOut([])).toEqual([0]);
});

it("finds the block at a height", () => {
  expect([-5, 0, tops[1]! - 1, tops[1]!, tops[500]!, 1e9].map((y) => blockAt(tops, y))).toEqual([0, 0, 0, 1, 500, 999]);
});

it("renders what is seen and somewhat more, of however many there are", () => {
  for (const top of [0, 5_000, 40_000, tops.at(-1)! - 800]) {
    const { start, end } = rangeAt(tops, top, 800);
    expect(tops[start]!).toBeLessThanOrEqual(top);
    expect(tops[end]!).toBeGreaterThanOrEqual(Math.min(top + 800, tops.at(-1)!));
    expect(end - start).toBeLessThan(50);
  }
  expect(rangeAt([0], 0, 800)).toEqual({ start: 0, end: 0 });
});
