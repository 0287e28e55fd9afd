/** Fills the `{name}` places of a JMAP URL template (RFC 6570, level 1). */
export function expand(template: string, values: Record<string, string>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
}
