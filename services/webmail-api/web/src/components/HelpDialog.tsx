import { OPERATORS } from "../mail/search";
import { Dialog } from "./Dialog";

const KEYS: [title: string, rows: [keys: string[], what: string][]][] = [
  [
    "Moving about",
    [
      [["j", "↓"], "Next message"],
      [["k", "↑"], "Previous message"],
      [["o", "Enter"], "Open"],
      [["Esc"], "Back, or close"],
      [["/"], "Search"],
      [["g", "i"], "Go to the inbox"],
      [["g", "d"], "… drafts; s sent, e archive, a all mail"],
      [["?"], "This help"],
    ],
  ],
  [
    "Writing",
    [
      [["c"], "New message"],
      [["r"], "Reply"],
      [["a"], "Reply to all"],
      [["f"], "Forward"],
      [["Ctrl", "Enter"], "Send"],
    ],
  ],
  [
    "Messages",
    [
      [["x"], "Select"],
      [["Shift", "A"], "Select all shown"],
      [["s", "!"], "Flag"],
      [["u"], "Mark unread or read"],
      [["e"], "Archive"],
      [["v"], "Move to a folder"],
      [["#", "Delete"], "Delete"],
      [["z"], "Undo"],
    ],
  ],
];

export function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys and search" onClose={onClose} className="help-dialog">
      <div className="help-columns">
        {KEYS.map(([title, rows]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {rows.map(([keys, what]) => (
                <div key={what}>
                  <dt>
                    {keys.map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>In the search box</h3>
          <dl>
            {OPERATORS.map(({ example, what }) => (
              <div key={example} className="stacked">
                <dt>
                  <code>{example}</code>
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Dialog>
  );
}
