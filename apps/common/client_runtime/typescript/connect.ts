/** Configures a generated client: the server's address, the credential, and failures as typed errors. */

import { NetworkError, ProblemError } from "./problem.js";

/** Sends one request. */
export type Fetch = (request: Request) => Promise<Response>;

/** Sends requests with a credential, such as a `Session`. */
export interface Credential {
  send(request: Request, fetch: Fetch): Promise<Response>;
}

const TIMEOUT = 20_000; // milliseconds

type OnError = (error: unknown, response: Response | undefined, request: Request | undefined, options: unknown) => unknown;

/** The part of a generated client that `connect` uses. */
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
  /** The server's address, such as `https://site.example`. Pages of the same origin omit it. */
  baseUrl?: string;
  /** The signed-in user. Calls carry their token, and renew it when the server refuses it. */
  session?: Credential;
  /** The key of a service, for the internal zone. */
  serviceKey?: string;
  /** The limit for a call, in milliseconds. */
  timeout?: number;
  /** Replaces `fetch`, for tests and proxies. */
  fetch?: Fetch;
}

/** Configure a client. Its calls then reject with `ProblemError` or `NetworkError`, or resolve with `data`. */
export function connect<Client extends Connectable>(client: Client, connection: Connection = {}): Client {
  const { baseUrl = "", session, serviceKey, timeout = TIMEOUT, fetch = globalThis.fetch.bind(globalThis) } = connection;
  const within: Fetch = (request) => {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeout)]);
    return fetch(new Request(request, { signal }));
  };
  client.setConfig({
    baseUrl,
    // Tokens only: no cookies of another sign-in.
    credentials: "omit",
    // A generated client passes a Request and nothing else.
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
  // The caller aborted the call.
  if (request === undefined || request.signal.aborted) return error;
  return new NetworkError(error);
}
