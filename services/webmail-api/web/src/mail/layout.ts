/** One pane at a time; the same width stands in the style sheets. */
export const isNarrow = (): boolean => window.matchMedia("(max-width: 759px)").matches;
