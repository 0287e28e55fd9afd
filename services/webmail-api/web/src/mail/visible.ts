import { type RefObject, useLayoutEffect, useState } from "react";

/** The same heights stand in row.css and list.css. */
export const ROW_HEIGHT = 78;
export const HEADING_HEIGHT = 30;
/** What is rendered beyond what can be seen, in pixels: a flick of the wheel finds it ready. */
const BEYOND = 700;
/** Rows come and go in groups, so that not every scrolled pixel renders anew. */
const GROUP = 8;

/** Where each row's block (its heading, if any, and the row) begins; the last entry is the end. */
export function layOut(headings: readonly (string | null)[]): number[] {
  const tops = [0];
  for (const heading of headings) tops.push(tops.at(-1)! + ROW_HEIGHT + (heading === null ? 0 : HEADING_HEIGHT));
  return tops;
}

/** The first block that ends below `y`. */
export function blockAt(tops: readonly number[], y: number): number {
  let low = 0;
  let high = Math.max(0, tops.length - 2);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tops[middle + 1]! > y) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface Range {
  start: number;
  /** The first one after it. */
  end: number;
}

export function rangeAt(tops: readonly number[], top: number, height: number): Range {
  const count = tops.length - 1;
  const start = blockAt(tops, top - BEYOND);
  const end = Math.min(count, blockAt(tops, top + height + BEYOND) + 1);
  return { start: start - (start % GROUP), end: Math.min(count, end + GROUP - (end % GROUP)) };
}

/** Which rows of a long list are worth rendering, as it is scrolled and resized. */
export function useVisible(scroller: RefObject<HTMLElement | null>, tops: readonly number[]): Range {
  const [view, setView] = useState({ top: 0, height: 900 });
  useLayoutEffect(() => {
    const node = scroller.current;
    if (!node) return;
    const look = () => setView({ top: node.scrollTop, height: node.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(node);
    node.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      node.removeEventListener("scroll", look);
    };
  }, [scroller]);
  return rangeAt(tops, view.top, view.height);
}

/** Scrolls no more than is needed for a row to be seen whole, below the heading that sticks. */
export function showBlock(scroller: HTMLElement, tops: readonly number[], index: number): void {
  const bottom = tops[index + 1];
  if (bottom === undefined) return;
  const top = bottom - ROW_HEIGHT - HEADING_HEIGHT;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (bottom > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = bottom - scroller.clientHeight;
}
