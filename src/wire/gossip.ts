/**
 * What nodes tell each other about third parties. All of it is a hint: only first-person frames confirm it.
 * PEERS:  0 1 count, then 20 bytes each: address (16), port (2), flags (1: same groups as the receiver), reserved (1)
 * DIGEST: 0 8 group id · 8 2 member count, the sender included · 10 4 sum of the members' identity hashes
 * HINT:   0 16 address of a source that fell silent · 16 2 port · 18 4 its epoch · 22 8 group id · 30 4 highest seq
 */
export const PEERS_ENTRY_LENGTH = 20;
export const PEERS_ENTRIES_MAX = 32;
export const PEER_SHARES_GROUP = 1;

export const DIGEST_LENGTH = 14;
export const HINT_LENGTH = 34;
