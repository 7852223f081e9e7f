export const scenarios: { name: string; run(): string[] }[] = [];
