/** A letter on calm water: the picture for where nothing is. */
export function Harbour() {
  return (
    <svg
      className="harbour"
      viewBox="0 0 160 96"
      width="160"
      height="96"
      aria-hidden="true"
      fill="none"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <circle cx="118" cy="28" r="11" className="sun" />
      <g className="letter" transform="rotate(-6 78 44)">
        <rect x="46" y="26" width="64" height="40" rx="4" />
        <path d="M47 29l31 21 31-21" />
      </g>
      <path className="wave" d="M14 70c11 0 11-6 22-6s11 6 22 6 11-6 22-6 11 6 22 6 11-6 22-6 11 6 22 6" />
      <path className="wave faint" d="M30 82c9 0 9-5 18-5s9 5 18 5 9-5 18-5 9 5 18 5 9-5 18-5" />
    </svg>
  );
}
