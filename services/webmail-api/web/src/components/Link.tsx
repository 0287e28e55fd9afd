import type { AnchorHTMLAttributes, MouseEvent } from "react";
import { formatRoute, navigate, type Route } from "../mail/route";

interface Props extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  to: Route;
  /** What a plain click does; opening in a new tab stays the browser's. */
  onGo?: () => void;
}

export function Link({ to, onGo, onClick, ...rest }: Props) {
  const click = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (onGo) onGo();
    else navigate(to);
  };
  return <a href={formatRoute(to)} onClick={click} {...rest} />;
}
