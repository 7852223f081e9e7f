/**
 * By which of our addresses we go. Others call a node by one of its addresses and keep to that while it runs, whichever
 * of its meshes fails: so do we, while any of our addresses goes on.
 */

const ADDRESSES_MAX = 16;
/** Meshes that come up together: the first of all addresses then is our name. */
const NAMING_MS = 2000;

export class OwnName {
  /** All of this run: others may know us by another than we do. */
  readonly addresses = ['local'];
  #present: readonly string[] = [];
  #namedMs = -Infinity;

  /** Our addresses have changed. @returns our new name, undefined: as before. */
  change(present: readonly string[], now: number): string | undefined {
    const goesOn = present.some((one) => this.#present.includes(one));
    this.#present = present;
    for (const one of present) if (!this.addresses.includes(one)) this.addresses.push(one);
    if (this.addresses.length > ADDRESSES_MAX) this.addresses.splice(1, present.length);
    if (!goesOn) this.#namedMs = now;
    else if (now > this.#namedMs + NAMING_MS) return undefined;
    return present[0] ?? 'local';
  }
}
