import { type FormEvent, useRef, useState } from "react";
import { signIn } from "../jmap/auth";
import { messageOf } from "../jmap/errors";
import type { SignedIn } from "../jmap/http";
import { Brand } from "./Brand";
import { IconButton } from "./IconButton";
import { Waves } from "./Waves";

interface Props {
  notice: string | null;
  onSignedIn: (session: SignedIn) => void;
}

export function SignIn({ notice, onSignedIn }: Props) {
  const [address, setAddress] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [visible, setVisible] = useState(false);
  const secret = useRef<HTMLInputElement>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    // A browser keeps what it takes for a password, and only that.
    setVisible(false);
    try {
      onSignedIn(await signIn(address.trim(), password));
    } catch (failure) {
      setError(messageOf(failure));
      setPassword("");
      setBusy(false);
      secret.current?.focus();
    }
  };

  return (
    <main className="sign-in">
      <form onSubmit={(event) => void submit(event)} aria-label="Sign in">
        <Brand />
        <h1>Sign in to your mail</h1>
        {notice && !error && (
          <p className="notice" role="status">
            {notice}
          </p>
        )}
        <label className="field">
          <span>Address</span>
          <input
            type="email"
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            placeholder="you@example.org"
            value={address}
            onChange={(event) => setAddress(event.target.value)}
            required
            autoFocus
          />
        </label>
        <div className="field">
          <label htmlFor="password">Password</label>
          <div className="password">
            <input
              ref={secret}
              id="password"
              type={visible ? "text" : "password"}
              name="password"
              autoComplete="current-password"
              autoCapitalize="none"
              spellCheck={false}
              value={password}
              onChange={(event) => setPassword(event.target.value)}
              required
            />
            <IconButton
              icon={visible ? "eyeOff" : "eye"}
              label={visible ? "Hide password" : "Show password"}
              aria-pressed={visible}
              onClick={() => setVisible(!visible)}
            />
          </div>
        </div>
        {error && (
          <p className="form-error" role="alert">
            {error}
          </p>
        )}
        <button type="submit" className="button primary large" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <Waves />
    </main>
  );
}
