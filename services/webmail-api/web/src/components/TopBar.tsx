import { useState } from "react";
import { notificationsOn, setNotifications } from "../mail/announce";
import { useMail } from "../mail/context";
import type { Route } from "../mail/route";
import { useStore } from "../mail/store";
import { setTheme, theme } from "../mail/theme";
import { toast } from "../mail/toasts";
import { Avatar } from "./Avatar";
import { Brand } from "./Brand";
import { IconButton } from "./IconButton";
import { Menu } from "./Menu";
import { SearchBox } from "./SearchBox";

interface Props {
  route: Route;
  title: string;
  onMenu: () => void;
  onHelp: () => void;
}

export function TopBar({ route, title, onMenu, onHelp }: Props) {
  const { me, signOut } = useMail();
  const chosen = useStore(theme);
  const [notified, setNotified] = useState(notificationsOn);
  const notify = async () => {
    const on = await setNotifications(!notified);
    setNotified(on);
    if (!on && !notified) toast("The browser does not allow notifications for this page.", { tone: "error" });
  };
  const who = { name: me.displayName || null, email: me.address };
  return (
    <header className="top-bar">
      <IconButton className="menu-button" icon="menu" label="Folders" onClick={onMenu} />
      <Brand />
      <SearchBox route={route} title={title} />
      <div className="top-end">
        <IconButton className="help-button" icon="help" label="Keys and search" hint="?" onClick={onHelp} />
        <Menu
          label="Account"
          className="account-button"
          head={
            <div className="account-head">
              <Avatar address={who} />
              <span>
                <strong>{me.displayName || me.address}</strong>
                {me.displayName && <small>{me.address}</small>}
              </span>
            </div>
          }
          items={[
            "line",
            { label: "As the system", icon: "screen", checked: chosen === "system", run: () => setTheme("system") },
            { label: "Light", icon: "sun", checked: chosen === "light", run: () => setTheme("light") },
            { label: "Dark", icon: "moon", checked: chosen === "dark", run: () => setTheme("dark") },
            "line",
            {
              label: "Notify me of new mail",
              icon: "bell",
              kind: "toggle",
              checked: notified,
              run: () => void notify(),
            },
            { label: "Keys and search", icon: "help", hint: "?", run: onHelp },
            { label: "Sign out", icon: "signOut", run: () => void signOut() },
          ]}
        >
          <Avatar address={who} size="small" />
        </Menu>
      </div>
    </header>
  );
}
