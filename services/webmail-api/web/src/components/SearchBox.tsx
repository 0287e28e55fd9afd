import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { navigate, type Route } from "../mail/route";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";

const PAUSE = 350;

/** Searches while one types, after a short pause; Enter does it at once. */
export function SearchBox({ route, title }: { route: Route; title: string }) {
  const [text, setText] = useState(route.search);
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const sent = useRef(route.search);

  // Follows "back", a click on a folder and the like, but not its own echo.
  useEffect(() => {
    if (route.search === sent.current) return;
    clearTimeout(timer.current);
    sent.current = route.search;
    setText(route.search);
  }, [route.search]);
  // Another folder: what was typed for the last one must not arrive late.
  useEffect(() => () => clearTimeout(timer.current), [route.mailboxId]);

  const search = (value: string) => {
    clearTimeout(timer.current);
    const wanted = value.trim();
    if (wanted === route.search) return;
    sent.current = wanted;
    navigate({ ...route, emailId: null, search: wanted }, { replace: route.search !== "", fromList: false });
  };

  const change = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => search(value), PAUSE);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") search(text);
    if (event.key === "Escape") {
      if (text) {
        setText("");
        search("");
      } else input.current?.blur();
    }
  };

  return (
    <div className="search-box" role="search">
      <Icon name="search" size={18} />
      <input
        ref={input}
        id="search"
        type="text"
        enterKeyHint="search"
        autoComplete="off"
        spellCheck={false}
        placeholder={title ? `Search in ${title}` : "Search"}
        aria-label={title ? `Search in ${title}` : "Search"}
        value={text}
        onChange={(event) => change(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {text && (
        <IconButton
          icon="close"
          label="Clear search"
          onClick={() => {
            setText("");
            search("");
            input.current?.focus();
          }}
        />
      )}
    </div>
  );
}
