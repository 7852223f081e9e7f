/** A member's address as a person types it becomes the identity by which the core knows it. */
import { endpointId, parseEndpoint } from '../wire/address.ts';

/** @returns the text as it is when it is no address: it will be no member. */
export function canonicalMember(text: string, defaultPort: number): string {
  const endpoint = parseEndpoint(text);
  return endpoint === undefined ? text : endpointId(endpoint.address, endpoint.port || defaultPort, defaultPort);
}
