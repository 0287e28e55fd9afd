import type { EmailAddress } from "../jmap/types";
import { displayName, formatAddress, looksValid } from "../mail/addresses";
import { Icon } from "./Icon";

export function AddressChip({ address, onRemove }: { address: EmailAddress; onRemove: () => void }) {
  const fine = looksValid(address);
  return (
    <span className={`address-chip ${fine ? "" : "wrong"}`} title={formatAddress(address)}>
      {!fine && <span className="visually-hidden">Not an address: </span>}
      <span className="address-chip-name">{displayName(address)}</span>
      <button type="button" aria-label={`Remove ${formatAddress(address)}`} onClick={onRemove}>
        <Icon name="close" size={12} />
      </button>
    </span>
  );
}
