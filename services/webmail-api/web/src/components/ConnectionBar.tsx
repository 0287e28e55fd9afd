import { useMail } from "../mail/context";
import { useStore } from "../mail/store";
import { Icon } from "./Icon";

/** Says that what one sees may be old, and tries again by itself. */
export function ConnectionBar() {
  const { connected, refresher } = useMail();
  const fine = useStore(connected);
  return (
    <div className="connection" role="status">
      {!fine && (
        <p>
          <Icon name="offline" size={18} />
          <span>The mail server cannot be reached. You see what was loaded last.</span>
          <button type="button" onClick={() => refresher.schedule(0)}>
            Try now
          </button>
        </p>
      )}
    </div>
  );
}
