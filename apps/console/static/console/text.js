/** Times, names, lists and sizes as text, and random ids. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const fullDay = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export const timeOf = (iso) => clock.format(new Date(iso));
export const fullDayOf = (iso) => fullDay.format(new Date(iso));
export const fullTimeOf = (iso) => full.format(new Date(iso));
export const isSameDay = (one, other) => new Date(one).toDateString() === new Date(other).toDateString();

/** "Today", "Yesterday", or weekday and date. */
export function dayOf(iso, now = new Date()) {
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (isSameDay(iso, now)) return "Today";
  if (isSameDay(iso, yesterday)) return "Yesterday";
  return day.format(new Date(iso));
}

/** The initials of a name: up to two whole characters, also outside of the basic plane. */
export function initialsOf(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const chosen = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return chosen.map((word) => [...word][0]).join("").toUpperCase() || "?";
}

/** "Ada", "Ada and Grace", "Ada, Grace and 3 others". */
export function listOf(names, most = 3) {
  if (names.length <= 1) return names[0] ?? "";
  if (names.length <= most) return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
  const rest = names.length - (most - 1);
  return `${names.slice(0, most - 1).join(", ")} and ${rest} others`;
}

/** "712 bytes", "48 kB", "3.1 MB". */
export function sizeOf(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** A stable number for an id (FNV-1a). */
export function numberOf(id) {
  let sum = 2166136261;
  for (const character of String(id)) sum = Math.imul(sum ^ character.codePointAt(0), 16777619) >>> 0;
  return sum;
}

/** A random UUID. `crypto.randomUUID` does not exist on pages that another machine serves by plain HTTP. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40; // version 4
  bytes[8] = (bytes[8] & 0x3f) | 0x80; // the variant of RFC 9562
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
