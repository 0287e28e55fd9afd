import { Component, type ReactNode } from "react";
import { Brand } from "./Brand";

/** What is left when the application itself breaks: a way to go on, never a blank page. */
export class Failure extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <main className="sign-in">
        <div className="failed-box">
          <Brand />
          <p role="alert">Something went wrong in this page. Your mail is safe on the server.</p>
          <button type="button" className="button primary" onClick={() => location.assign("/")}>
            Load it again
          </button>
        </div>
      </main>
    );
  }
}
