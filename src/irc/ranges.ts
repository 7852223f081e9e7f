/** A set of whole numbers kept as sorted, disjoint, inclusive ranges: which lines of one stream we have. */

/** More ranges than this are not kept apart: the two lowest are joined, as if what lies between had come. */
const RANGES_MAX = 64;

export class Ranges {
  /** [first, last, first, last, …] */
  readonly list: number[] = [];

  has(value: number): boolean {
    for (let i = this.list.length - 2; i >= 0; i -= 2) {
      if (value >= (this.list[i] as number)) return value <= (this.list[i + 1] as number);
    }
    return false;
  }

  /** @returns false when it was there already. */
  add(value: number): boolean {
    const list = this.list;
    let i = list.length - 2;
    while (i >= 0 && value < (list[i] as number)) i -= 2;
    if (i >= 0 && value <= (list[i + 1] as number)) return false;
    const joinsLower = i >= 0 && list[i + 1] === value - 1;
    const joinsUpper = i + 2 < list.length && list[i + 2] === value + 1;
    if (joinsLower && joinsUpper) list.splice(i + 1, 2);
    else if (joinsLower) list[i + 1] = value;
    else if (joinsUpper) list[i + 2] = value;
    else list.splice(i + 2, 0, value, value);
    if (list.length > RANGES_MAX * 2) list.splice(1, 2);
    return true;
  }

  get last(): number {
    return this.list[this.list.length - 1] ?? 0;
  }

  /** Numbers missing between the first that is in the set and `end`, inclusive. */
  missingCount(end: number): number {
    if (this.list.length === 0) return 0;
    let count = Math.max(0, end - this.last);
    for (let i = 2; i < this.list.length; i += 2) count += (this.list[i] as number) - (this.list[i - 1] as number) - 1;
    return count;
  }

  /** Fills all holes up to `end`. */
  fill(end: number): void {
    if (this.list.length === 0) return;
    this.list.splice(1, this.list.length - 1, Math.max(end, this.last));
  }
}
