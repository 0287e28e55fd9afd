import { type ClipboardEvent, type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react";
import type { EmailAddress } from "../jmap/types";
import { displayName, formatAddress, looksValid, parseAddresses, uniqueAddresses } from "../mail/addresses";
import { useSuggestions } from "../mail/suggestions";
import { Icon } from "./Icon";

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
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const suggestions = useSuggestions(text, list);

  const add = (typed: string) => {
    setText("");
    const found = parseAddresses(typed);
    if (found.length > 0) onChange(uniqueAddresses([...list, ...found]));
  };
  const remove = (index: number) => {
    onChange(list.filter((_, i) => i !== index));
    input.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const typed = text.trim() !== "";
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (typed) add(text);
    } else if (event.key === "Backspace" && text === "" && list.length > 0) {
      event.preventDefault();
      // Back into the text, so that a typing mistake can be mended.
      setText(formatAddress(list.at(-1)!));
      onChange(list.slice(0, -1));
    }
  };

  const change = (value: string) => {
    // A chosen suggestion comes as a change to exactly its text.
    if (suggestions.includes(value)) add(value);
    else if (/[,;]\s*$/.test(value) && !/^[^"]*"[^"]*$/.test(value)) add(value);
    else setText(value);
  };

  const onPaste = (event: ClipboardEvent) => {
    const pasted = event.clipboardData.getData("text");
    if (!/[,;\n]/.test(pasted)) return;
    event.preventDefault();
    add(`${text}${pasted}`);
  };

  return (
    <div className="compose-line address-line" onClick={() => input.current?.focus()}>
      <label htmlFor={id}>{label}</label>
      <div className="address-chips">
        {list.map((address, i) => (
          <span
            key={`${address.email} ${i}`}
            className={`address-chip ${looksValid(address) ? "" : "wrong"}`}
            title={formatAddress(address)}
          >
            {displayName(address)}
            <button type="button" aria-label={`Remove ${formatAddress(address)}`} onClick={() => remove(i)}>
              <Icon name="close" size={12} />
            </button>
          </span>
        ))}
        <input
          ref={input}
          id={id}
          type="text"
          inputMode="email"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          list={`${id}-list`}
          autoFocus={autoFocus}
          value={text}
          onChange={(event) => change(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
          onBlur={() => add(text)}
        />
        <datalist id={`${id}-list`}>
          {suggestions.map((value) => (
            <option key={value} value={value} />
          ))}
        </datalist>
      </div>
      {end}
    </div>
  );
}
