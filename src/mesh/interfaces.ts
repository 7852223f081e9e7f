/** What the system's interfaces say of our own addresses: the truth about whether a mesh's address can be bound now. */
import type { Runtime } from '../runtime/runtime.ts';
import { canonicalAddress } from '../wire/address.ts';

export interface InterfaceAddress {
  interfaceName: string;
  /** Canonical text, without a scope. */
  address: string;
  /** Only this machine can reach it. */
  internal: boolean;
}

/** Addresses on more interfaces than this are not looked at: containers can have thousands. */
const INTERFACE_ADDRESSES_MAX = 256;

export function interfaceAddresses(runtime: Runtime): InterfaceAddress[] {
  const found: InterfaceAddress[] = [];
  for (const { name, address, internal } of runtime.networkInterfaces()) {
    const canonical = canonicalAddress(address.replace(/%.*$/, ''));
    if (canonical !== undefined) found.push({ interfaceName: name, address: canonical, internal });
    if (found.length === INTERFACE_ADDRESSES_MAX) break;
  }
  return found;
}

export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
