import type { ButtonHTMLAttributes } from "react";
import { Icon, type IconName } from "./Icon";

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children"> {
  icon: IconName;
  label: string;
  /** The key that does the same, for the tooltip. */
  hint?: string;
  filled?: boolean;
  text?: boolean;
}

export function IconButton({ icon, label, hint, filled, text, className = "", ...rest }: Props) {
  return (
    <button
      type="button"
      className={`icon-button ${text ? "with-text" : ""} ${className}`}
      aria-label={text ? undefined : label}
      title={hint ? `${label} (${hint})` : label}
      {...rest}
    >
      <Icon name={icon} filled={filled} />
      {text && <span>{label}</span>}
    </button>
  );
}
