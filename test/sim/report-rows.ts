export function rowNames(): string[] { return []; }
export function runRow(_name: string): unknown { return {}; }
