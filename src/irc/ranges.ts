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

  /** Numbers missing between the first that is in the set and `end`, inclusive; those up to `after` are not counted. */
  missingCount(end: number, after = 0): number {
    if (this.list.length === 0) return 0;
    const start = Math.max(this.list[0] as number, after + 1);
    let count = Math.max(0, end - start + 1);
    for (let i = 0; i < this.list.length; i += 2) {
      const first = Math.max(start, this.list[i] as number);
      const last = Math.min(end, this.list[i + 1] as number);
      if (last >= first) count -= last - first + 1;
    }
    return count;
  }
}
