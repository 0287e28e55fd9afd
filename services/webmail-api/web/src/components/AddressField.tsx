import { type ClipboardEvent, type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react";
import type { EmailAddress } from "../jmap/types";
import { displayName, formatAddress, looksValid, parseAddresses, uniqueAddresses } from "../mail/addresses";
import { useSuggestions } from "../mail/suggestions";
import { AddressChip } from "./AddressChip";
import { Avatar } from "./Avatar";

interface Props {
  label: string;
  list: EmailAddress[];
  autoFocus?: boolean;
  end?: ReactNode;
  onChange: (list: EmailAddress[]) => void;
}

/** Addresses as chips. What is typed becomes a chip at a comma, Enter or on leaving. */
export function AddressField({ label, list, autoFocus, end, onChange }: Props) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [shut, setShut] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const suggestions = useSuggestions(text, list);
  const open = suggestions.length > 0 && !shut;
  const chosen = Math.min(at, suggestions.length - 1);

  const type = (value: string) => {
    setText(value);
    setAt(0);
    setShut(false);
  };
  const addAll = (found: readonly EmailAddress[]) => {
    type("");
    if (found.length > 0) onChange(uniqueAddresses([...list, ...found]));
  };
  const remove = (index: number) => {
    onChange(list.filter((_, i) => i !== index));
    input.current?.focus();
  };
  /** An address typed in full is meant; else the suggestion that is marked. */
  const typedOr = (suggestion: EmailAddress | undefined): readonly EmailAddress[] => {
    const typed = parseAddresses(text);
    return suggestion && open && !typed.every(looksValid) ? [suggestion] : typed;
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // Enter ends what an input method composes; it is not meant for us.
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && open) {
      event.preventDefault();
      setAt((chosen + step + suggestions.length) % suggestions.length);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      setShut(true);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (text.trim() !== "") addAll(typedOr(suggestions[chosen]));
    } else if (event.key === "Tab" && open && text.trim() !== "" && !event.shiftKey) {
      event.preventDefault();
      addAll(typedOr(suggestions[chosen]));
    } else if (event.key === "Backspace" && text === "" && list.length > 0) {
      event.preventDefault();
      // Back into the text, so that a typing mistake can be mended.
      type(formatAddress(list.at(-1)!));
      setShut(true);
      onChange(list.slice(0, -1));
    }
  };

  const change = (value: string) => {
    if (/[,;]\s*$/.test(value) && !/^[^"]*"[^"]*$/.test(value)) addAll(parseAddresses(value));
    else type(value);
  };

  const onPaste = (event: ClipboardEvent) => {
    const pasted = event.clipboardData.getData("text");
    if (!/[,;\n]/.test(pasted)) return;
    event.preventDefault();
    addAll(parseAddresses(`${text}${pasted}`));
  };

  return (
    <div className="compose-line address-line" onClick={() => input.current?.focus()}>
      <label htmlFor={id}>{label}</label>
      <div className="address-chips">
        {list.map((address, i) => (
          <AddressChip key={`${address.email} ${i}`} address={address} onRemove={() => remove(i)} />
        ))}
        <input
          ref={input}
          id={id}
          type="text"
          inputMode="email"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          role="combobox"
          aria-expanded={open}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={open ? `${id}-${chosen}` : undefined}
          autoFocus={autoFocus}
          value={text}
          onChange={(event) => change(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
          onBlur={() => addAll(parseAddresses(text))}
        />
      </div>
      {end}
      <ul id={`${id}-list`} role="listbox" aria-label="Suggestions" className="suggestions" hidden={!open}>
        {open &&
          suggestions.map((address, i) => (
            <li
              key={address.email}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === chosen}
              // Before the field loses the focus and takes what is typed.
              onMouseDown={(event) => {
                event.preventDefault();
                addAll([address]);
              }}
            >
              <Avatar address={address} size="small" />
              <span>
                <span>{displayName(address)}</span>
                {address.name && <small>{address.email}</small>}
              </span>
            </li>
          ))}
      </ul>
    </div>
  );
}
