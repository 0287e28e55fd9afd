/** Dates as the list and the reader show them. `now` is given, for the tests. */

const DAY = 86_400_000;

export function listDate(iso: string, now: Date = new Date(), locale?: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const days = calendarDays(date, now);
  const ahead = date.getTime() > now.getTime();
  if (days === 0) return date.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
  if (!ahead && days === 1) return "Yesterday";
  if (!ahead && days < 7) return date.toLocaleDateString(locale, { weekday: "short" });
  if (date.getFullYear() === now.getFullYear()) {
    return date.toLocaleDateString(locale, { day: "numeric", month: "short" });
  }
  return date.toLocaleDateString(locale, { day: "numeric", month: "short", year: "numeric" });
}

export function fullDate(iso: string, locale?: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  return date.toLocaleString(locale, {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
}

/** For each row the heading that stands before it, or null where it is that of the row before. */
export function dayHeadings(rows: readonly { receivedAt: string }[], now: Date = new Date()): (string | null)[] {
  let last: string | null = null;
  return rows.map(({ receivedAt }) => {
    const heading = dayGroup(receivedAt, now);
    if (heading === last) return null;
    last = heading;
    return heading;
  });
}

/** The heading a row of the list falls under. */
export function dayGroup(iso: string, now: Date = new Date(), locale?: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "Undated";
  const days = calendarDays(date, now);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days < 7) return "Past week";
  if (date.getFullYear() === now.getFullYear()) return date.toLocaleDateString(locale, { month: "long" });
  return date.toLocaleDateString(locale, { month: "long", year: "numeric" });
}

/** Whole calendar days from `date` to `now`, in local time. */
function calendarDays(date: Date, now: Date): number {
  const midnight = (day: Date) => new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  // Rounded, since a day with a clock change has 23 or 25 hours.
  return Math.round((midnight(now) - midnight(date)) / DAY);
}
