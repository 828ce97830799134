/** Numbers as people read them. */

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 2, minimumFractionDigits: 2 });

/** 1234567 → `1,234,567`. */
export const count = (value: number): string => whole.format(value);

/** Two decimals, with thousands: `1,234.50`. */
export const amount = (value: number): string => short.format(value);

/** Bytes in the unit that keeps the number small: `15.4 MB`. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  for (const unit of ['KB', 'MB'] as const) {
    value /= 1000;
    if (value < 1000) return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
  }
  return `${(value / 1000).toFixed(2)} GB`;
}

/** Milliseconds: `3.2 ms`, `412 ms`, `1.84 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${milliseconds.toFixed(0)} ms`;
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** An address as programmers write it. */
export const address = (ptr: number): string => `0x${ptr.toString(16).padStart(8, '0')}`;
