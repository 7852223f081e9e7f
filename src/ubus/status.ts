/** Status codes of ubus (ubusmsg.h) and their names. Other values pass through as they are. */
export const STATUS_OK = 0;
export const STATUS_INVALID_COMMAND = 1;
export const STATUS_INVALID_ARGUMENT = 2;
export const STATUS_METHOD_NOT_FOUND = 3;
export const STATUS_NOT_FOUND = 4;
export const STATUS_NO_DATA = 5;
export const STATUS_PERMISSION_DENIED = 6;
export const STATUS_TIMEOUT = 7;
export const STATUS_NOT_SUPPORTED = 8;
export const STATUS_UNKNOWN_ERROR = 9;
export const STATUS_CONNECTION_FAILED = 10;
/** Also our BUSY: no room in a log or queue; try again. */
export const STATUS_NO_MEMORY = 11;
export const STATUS_PARSE_ERROR = 12;
export const STATUS_SYSTEM_ERROR = 13;

const NAMES = [
  'OK', 'INVALID_COMMAND', 'INVALID_ARGUMENT', 'METHOD_NOT_FOUND', 'NOT_FOUND', 'NO_DATA', 'PERMISSION_DENIED', 'TIMEOUT',
  'NOT_SUPPORTED', 'UNKNOWN_ERROR', 'CONNECTION_FAILED', 'NO_MEMORY', 'PARSE_ERROR', 'SYSTEM_ERROR',
];

export function statusName(status: number): string {
  return NAMES[status] ?? `STATUS_${status}`;
}
