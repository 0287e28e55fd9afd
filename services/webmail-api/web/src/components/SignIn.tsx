import { type FormEvent, useState } from "react";
import { signIn } from "../jmap/auth";
import { messageOf } from "../jmap/errors";
import type { SignedIn } from "../jmap/http";
import { Brand } from "./Brand";

interface Props {
  notice: string | null;
  onSignedIn: (session: SignedIn) => void;
}

export function SignIn({ notice, onSignedIn }: Props) {
  const [address, setAddress] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      onSignedIn(await signIn(address.trim(), password));
    } catch (failure) {
      setError(messageOf(failure));
      setPassword("");
      setBusy(false);
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
        <label className="field">
          <span>Password</span>
          <input
            type="password"
            name="password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            required
          />
        </label>
        {error && (
          <p className="form-error" role="alert">
            {error}
          </p>
        )}
        <button type="submit" className="button primary large" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
