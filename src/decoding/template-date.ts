/** The part of Python's strftime that chat templates use, in English whatever the machine's language is. */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];

const DIRECTIVES: Record<string, (date: Date) => string> = {
  a: (date) => DAYS[date.getDay()].slice(0, 3),
  A: (date) => DAYS[date.getDay()],
  b: (date) => MONTHS[date.getMonth()].slice(0, 3),
  B: (date) => MONTHS[date.getMonth()],
  d: (date) => padded(date.getDate()),
  F: (date) => formatDate(date, "%Y-%m-%d"),
  H: (date) => padded(date.getHours()),
  I: (date) => padded(date.getHours() % 12 || 12),
  j: (date) => padded(dayOfYear(date), 3),
  m: (date) => padded(date.getMonth() + 1),
  M: (date) => padded(date.getMinutes()),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  S: (date) => padded(date.getSeconds()),
  T: (date) => formatDate(date, "%H:%M:%S"),
  y: (date) => padded(date.getFullYear() % 100),
  Y: (date) => padded(date.getFullYear(), 4),
  "%": () => "%",
};

/** Local time. `%-d` is `%d` without leading zeros; what is not known stays as it is written. */
export function formatDate(date: Date, format: string): string {
  return format.replace(/%(-?)([a-zA-Z%])/g, (directive, bare: string, letter: string) => {
    const text = Object.hasOwn(DIRECTIVES, letter) ? DIRECTIVES[letter](date) : directive;
    return bare === "" || text === directive ? text : text.replace(/^0+(?=\d)/, "");
  });
}

function padded(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}

function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((day - Date.UTC(date.getFullYear(), 0, 1)) / 86_400_000) + 1;
}
