import { createClient } from './generated/client/index.js';
import { Calls } from './generated/sdk.gen.js';
import type { Problem } from './problems.js';

export type * from './generated/types.gen.js';
export type { Problem, ProblemCode } from './problems.js';

/** How to reach a server. */
export interface Settings {
  /** Where the server is, such as `https://auth.example.org`. */
  baseUrl: string;
  /** The access token, or a function that returns it; asked before each call that needs one. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  /** The id and secret of a service client, sent where an operation is for other services. */
  client?: { id: string; secret: string };
  /** Stands in for the global `fetch`: a proxy, a retry, a test. */
  fetch?: typeof fetch;
}

/** The server, or something before it, answered with neither what was asked for nor a problem. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** The body: text, or the value of its JSON. */
    readonly body: unknown,
  ) {
    super(`unexpected answer with the status ${status}`);
  }
}

/** Tell whether a value is a problem (RFC 9457), also one whose code this version of the package does not know. */
export function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && typeof value.code === 'string';
}

/**
 * A server. Each call resolves to `{ data }` or to `{ error }`, the latter a problem that is told apart by its `code`.
 * It rejects if there was no answer (as `fetch` does) or one that is no problem (UnexpectedAnswer).
 */
export class Ostiary extends Calls {
  constructor({ baseUrl, token, client: service, fetch }: Settings) {
    // RFC 6749 section 2.3.1: each is form-urlencoded first.
    const pair = service && `${encodeURIComponent(service.id)}:${encodeURIComponent(service.secret)}`;
    const client = createClient({
      baseUrl: baseUrl.replace(/\/+$/, ''),
      auth: ({ scheme }) => (scheme === 'basic' ? pair : typeof token === 'function' ? token() : token),
      ...(fetch ? { fetch } : {}),
    });
    client.interceptors.error.use((error, response) => {
      if (response && !response.ok && isProblem(error)) return error;
      if (response && !response.ok) throw new UnexpectedAnswer(response.status, error);
      throw error;
    });
    super({ client });
  }
}
