/** Numbers and times for people. */

export function duration(ms: number | null): string {
  if (ms === null) return "–";
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

export function rate(perSecond: number): string {
  return perSecond === 0 || perSecond >= 100 ? count(Math.round(perSecond)) : perSecond.toFixed(1);
}

export function count(value: number): string {
  return value.toLocaleString("en");
}

export function megabytes(bytes: number): string {
  return bytes === 0 ? "" : `${Math.round(bytes / 2 ** 20)} MB`;
}

export function span(seconds: number): string {
  const [s, m, h, d] = [seconds % 60, (seconds / 60) % 60, (seconds / 3_600) % 24, seconds / 86_400].map(
    Math.floor,
  );
  if (d! > 0) return `${d} d ${h} h`;
  if (h! > 0) return `${h} h ${m} min`;
  return m! > 0 ? `${m} min` : `${s} s`;
}

/** With the day where it is another one than today. */
export function moment(iso: string): string {
  const time = new Date(iso);
  const clock = time.toLocaleTimeString("en-GB");
  const isToday = time.toDateString() === new Date().toDateString();
  return isToday ? clock : `${time.toLocaleDateString("en-CA")} ${clock}`;
}

export function plural(value: number, one: string): string {
  return `${count(value)} ${one}${value === 1 ? "" : "s"}`;
}
