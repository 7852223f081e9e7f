/** The accounts and operators of this node, as its configuration has them: who may log in, who may say OPER. */
import { checkPassword } from '../encoding/password.ts';
import { fold } from './names.ts';
import type { IrcAccount } from './options.ts';

/** Password checks at a time; more are refused, so that guessing costs the guesser and not the router. */
const CHECKS_MAX = 8;

export class Accounts {
  readonly #sha256: (bytes: Uint8Array) => Uint8Array;
  readonly #later: (task: () => void) => void;
  #accounts = new Map<string, IrcAccount>();
  #operators: readonly IrcAccount[] = [];
  #checkCount = 0;

  constructor(sha256: (bytes: Uint8Array) => Uint8Array, later: (task: () => void) => void) {
    this.#sha256 = sha256;
    this.#later = later;
  }

  configure(accounts: readonly IrcAccount[], operators: readonly IrcAccount[]): void {
    this.#operators = operators;
    this.#accounts = new Map(accounts.map((account) => [fold(account.name), account]));
  }
  get count(): number {
    return this.#accounts.size;
  }

  /** Resolves with the account's name as configured, or undefined. */
  check(name: string, password: string): Promise<string | undefined> {
    return this.#check(this.#accounts.get(fold(name)), password);
  }
  checkOperator(name: string, password: string): Promise<string | undefined> {
    return this.#check(this.#operators.find((operator) => operator.name === name), password);
  }

  async #check(account: IrcAccount | undefined, password: string): Promise<string | undefined> {
    if (account === undefined || this.#checkCount >= CHECKS_MAX) return undefined;
    this.#checkCount++;
    try {
      const right = await checkPassword(this.#sha256, password, account.password, this.#later);
      return right ? account.name : undefined;
    } finally {
      this.#checkCount--;
    }
  }
}
