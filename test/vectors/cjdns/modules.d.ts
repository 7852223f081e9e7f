/** What the bundler makes of recorded dialogues, and the part of the npm package that tests compare with. */
declare module '*.jsonl' {
  const text: string;
  export default text;
}
declare module 'bencode' {
  const bencode: { decode(bytes: Uint8Array): unknown };
  export default bencode;
}
