/** Ties a generated client to a server: its address, its credential, and failures as typed errors. */

import { NetworkError, ProblemError } from "./problem.js";

/** Sends one request. */
export type Fetch = (request: Request) => Promise<Response>;

/** Sends requests with a credential, such as a `Session`. */
export interface Credential {
  send(request: Request, fetch: Fetch): Promise<Response>;
}

const PATIENCE = 20_000; // milliseconds before a call counts as lost

type OnError = (error: unknown, response: Response | undefined, request: Request | undefined, options: unknown) => unknown;

/** What `connect` needs of a generated client. */
interface Connectable {
  setConfig(config: {
    baseUrl: string;
    credentials: "omit";
    fetch: typeof globalThis.fetch;
    headers?: Record<string, string>;
    throwOnError: true;
  }): unknown;
  interceptors: { error: { exists(handler: OnError): boolean; use(handler: OnError): number } };
}

export interface Connection {
  /** Where the server is, as in `https://sarsen.example`. A page of the server's own origin leaves it out. */
  baseUrl?: string;
  /** Whoever is signed in. Their token goes with each call and is renewed when the server no longer takes it. */
  session?: Credential;
  /** The key of a service, for the internal zone. */
  serviceKey?: string;
  /** Milliseconds that a call may take. */
  timeout?: number;
  /** Another fetch, for tests and proxies. */
  fetch?: Fetch;
}

/** Configure a client. Its calls then reject with `ProblemError` or `NetworkError`, or resolve with `data`. */
export function connect<Client extends Connectable>(client: Client, connection: Connection = {}): Client {
  const { baseUrl = "", session, serviceKey, timeout = PATIENCE, fetch = globalThis.fetch.bind(globalThis) } = connection;
  const within: Fetch = (request) => {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeout)]);
    return fetch(new Request(request, { signal }));
  };
  client.setConfig({
    baseUrl,
    // Tokens only: the cookie of another login has no business in these calls.
    credentials: "omit",
    // A generated client calls it with a Request and nothing else.
    fetch: ((request: Request) => (session ? session.send(request, within) : within(request))) as typeof globalThis.fetch,
    ...(serviceKey === undefined ? {} : { headers: { Authorization: `Api-Key ${serviceKey}` } }),
    throwOnError: true,
  });
  if (!client.interceptors.error.exists(asTyped)) client.interceptors.error.use(asTyped);
  return client;
}

function asTyped(error: unknown, response: Response | undefined, request: Request | undefined): unknown {
  if (error instanceof ProblemError || error instanceof NetworkError) return error;
  if (response !== undefined) return response.ok ? error : new ProblemError(response, error);
  // Whoever gave up on the call knows that they did.
  if (request === undefined || request.signal.aborted) return error;
  return new NetworkError(error);
}
