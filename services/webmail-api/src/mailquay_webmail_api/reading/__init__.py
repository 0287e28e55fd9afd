"""A message's HTML as a page that a browser may show: sanitised, bounded, without scripts."""
