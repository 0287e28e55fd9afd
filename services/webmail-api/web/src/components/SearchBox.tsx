import { type FocusEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { navigate, type Route } from "../mail/route";
import { OPERATORS } from "../mail/search";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";

const PAUSE = 350;

/** Searches while one types, after a short pause; Enter does it at once. */
export function SearchBox({ route, title }: { route: Route; title: string }) {
  const [text, setText] = useState(route.search);
  const [hints, setHints] = useState(false);
  const box = useRef<HTMLDivElement>(null);
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

  const insert = (operator: string) => {
    const value = `${text.trimEnd()}${text.trim() ? " " : ""}${operator}`;
    setText(value);
    // What is still without its value finds nothing yet.
    if (operator.endsWith(" ")) change(value);
    input.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // Enter ends what an input method composes; it is not meant for us.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && event.target === input.current) {
      setHints(false);
      search(text);
    } else if (event.key === "Escape") {
      if (hints) setHints(false);
      else if (text) {
        setText("");
        search("");
      } else input.current?.blur();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const stops = [...(box.current?.querySelectorAll<HTMLElement>("input, .search-hints button") ?? [])];
      if (stops.length < 2) return;
      event.preventDefault();
      const at = stops.indexOf(document.activeElement as HTMLElement);
      stops.at((at + (event.key === "ArrowDown" ? 1 : -1)) % stops.length)?.focus();
    }
  };

  const onBlur = (event: FocusEvent) => {
    if (!event.currentTarget.contains(event.relatedTarget)) setHints(false);
  };

  return (
    <div ref={box} className={`search-box ${hints ? "open" : ""}`} role="search" onBlur={onBlur} onKeyDown={onKeyDown}>
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
        onFocus={(event) => {
          // Coming back from the hints is not asking for them again.
          if (!box.current?.contains(event.relatedTarget)) setHints(true);
        }}
        onClick={() => setHints(true)}
        onChange={(event) => change(event.target.value)}
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
      <div className="search-hints" role="group" aria-label="Narrow the search" hidden={!hints}>
        <h2>Narrow the search</h2>
        {OPERATORS.map(({ example, insert: operator, what }) => (
          <button key={example} type="button" onClick={() => insert(operator)}>
            <code>{example}</code>
            <span>{what}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
