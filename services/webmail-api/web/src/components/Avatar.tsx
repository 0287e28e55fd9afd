import type { CSSProperties } from "react";
import type { EmailAddress } from "../jmap/types";
import { hueOf, initials } from "../mail/addresses";

export function Avatar({ address, size }: { address: EmailAddress | undefined; size?: "large" | "small" }) {
  const style = { "--hue": hueOf(address?.email ?? "") } as CSSProperties;
  return (
    <span className={`avatar ${size ?? ""}`} style={style} aria-hidden="true">
      {initials(address)}
    </span>
  );
}
