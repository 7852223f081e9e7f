/** @returns the only one itself, else a new array. */
export function joinChunks(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const joined = new Uint8Array(length);
  length = 0;
  for (const chunk of chunks) {
    joined.set(chunk, length);
    length += chunk.length;
  }
  return joined;
}
