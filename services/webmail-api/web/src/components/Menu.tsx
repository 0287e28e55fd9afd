import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react";
import { Icon, type IconName } from "./Icon";

export interface MenuItem {
  label: string;
  icon?: IconName;
  hint?: string;
  danger?: boolean;
  /** One of several, unless `kind` says that it stands for itself. */
  checked?: boolean;
  kind?: "toggle";
  disabled?: boolean;
  run: () => void;
}

interface Props {
  label: string;
  className?: string;
  children: ReactNode;
  head?: ReactNode;
  items: (MenuItem | "line")[];
}

/**
 * A button with a menu. The menu is a native popover: it lies above all panes
 * and closes by Escape or a click elsewhere without code of our own.
 */
export function Menu({ label, className = "icon-button", children, head, items }: Props) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);

  const place = () => {
    const at = button.current?.getBoundingClientRect();
    const box = menu.current;
    if (!at || !box) return;
    const { offsetWidth: width, offsetHeight: height } = box;
    const below = at.bottom + 4 + height <= window.innerHeight;
    box.style.left = `${Math.max(8, Math.min(at.right - width, window.innerWidth - width - 8))}px`;
    box.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - height - 4)}px`;
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    event.stopPropagation();
    if (step === undefined) return;
    event.preventDefault();
    const entries = [...(menu.current?.querySelectorAll<HTMLElement>("[role^=menuitem]:not(:disabled)") ?? [])];
    const at = entries.indexOf(document.activeElement as HTMLElement);
    entries.at((at + step) % entries.length)?.focus();
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        popoverTarget={id}
        onClick={(event) => event.stopPropagation()}
      >
        {children}
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        className="menu"
        onKeyDown={onKeyDown}
        onClick={(event) => event.stopPropagation()}
        onBeforeToggle={(event) => setOpen(event.newState === "open")}
        onToggle={(event) => {
          if (event.newState !== "open") return;
          place();
          menu.current?.querySelector<HTMLElement>("[role^=menuitem]")?.focus({ preventScroll: true });
        }}
      >
        {open && head}
        {(open ? items : []).map((item, i) =>
          item === "line" ? (
            <hr key={i} />
          ) : (
            <button
              key={item.label}
              type="button"
              role={roleOf(item)}
              aria-checked={item.checked}
              disabled={item.disabled}
              className={item.danger ? "danger" : undefined}
              onClick={() => {
                menu.current?.hidePopover();
                item.run();
              }}
            >
              {item.icon && <Icon name={item.icon} size={18} />}
              <span>{item.label}</span>
              {item.checked && <Icon name="check" size={16} />}
              {item.hint && <kbd>{item.hint}</kbd>}
            </button>
          ),
        )}
      </div>
    </>
  );
}

function roleOf({ checked, kind }: MenuItem) {
  if (checked === undefined) return "menuitem";
  return kind === "toggle" ? "menuitemcheckbox" : "menuitemradio";
}
