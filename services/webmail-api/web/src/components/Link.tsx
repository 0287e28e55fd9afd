import type { AnchorHTMLAttributes, MouseEvent } from "react";
import { formatRoute, navigate, type Route } from "../mail/route";

interface Props extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  to: Route;
  /** What a plain click does; opening in a new tab stays the browser's. */
  onGo?: () => void;
  /** Takes the place of the current entry of the history. */
  replace?: boolean;
}

export function Link({ to, onGo, replace, onClick, ...rest }: Props) {
  const click = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (onGo) onGo();
    else navigate(to, { replace });
  };
  return <a href={formatRoute(to)} onClick={click} {...rest} />;
}
