/** The water below the sign-in: only to look at. */
export function Waves() {
  return (
    <svg className="waves" viewBox="0 0 1440 160" preserveAspectRatio="none" aria-hidden="true">
      <path d="M0 62c120 0 120-28 240-28s120 28 240 28 120-28 240-28 120 28 240 28 120-28 240-28 120 28 240 28v98H0z" />
      <path d="M0 84c90 0 90 22 180 22s90-22 180-22 90 22 180 22 90-22 180-22 90 22 180 22 90-22 180-22 90 22 180 22 90-22 180-22v76H0z" />
      <path d="M0 128c120 0 120-20 240-20s120 20 240 20 120-20 240-20 120 20 240 20 120-20 240-20 120 20 240 20v32H0z" />
    </svg>
  );
}
