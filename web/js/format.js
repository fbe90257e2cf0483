// Turns values into the words and numbers people read. Money is counted in whole cents, because
// binary fractions do not add up.

const euro = new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

// A price of the API (euros with two decimals) in cents.
export function cents(price) {
  return Math.round(price * 100);
}

export function money(amountInCents) {
  return euro.format(amountInCents / 100);
}

// The price before the discount, in cents. `price` is what the customer pays; `discount` is in
// percent, 0..99; anything else counts as no discount.
export function originalCents(price, discount) {
  if (!(discount > 0 && discount < 100)) return cents(price);
  return Math.round(cents(price) / (1 - discount / 100));
}

// "/ month" or "/ year"; empty for a period this release does not know.
export function perPeriod(billingPeriod) {
  return { Monthly: "/ month", Annual: "/ year" }[billingPeriod] ?? "";
}

export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

// A server without a zone designator means UTC, but `Date` would read local time.
export function parseMoment(text) {
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text ?? "");
  return new Date(hasZone ? text : `${text}Z`);
}

export function dayAndTime(text) {
  const moment = parseMoment(text);
  return Number.isNaN(moment.getTime()) ? "" : `${day.format(moment)}, ${time.format(moment)}`;
}

export function shortCorrelation(correlationId) {
  return String(correlationId).slice(0, 8);
}

// "ISC2" → "isc2": names a vendor in data attributes and file-safe places.
export function slug(text) {
  return String(text).toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
}
