/**
 * Calls to the API. What lives here: the fetch wrapper, problem documents (RFC 9457) as errors, the bearer token.
 * What does not: which calls exist (the views say that) and where tokens come from (session.js).
 */

const PATIENCE = 20_000; // milliseconds before a call counts as lost

/** A refusal by the server, or `code: "offline"` with status 0 where no answer came. */
export class Problem extends Error {
  constructor({ status = 0, code = "offline", title = "", detail = "", errors = [], request_id = "", retryAfter = 0 }) {
    super(detail || title || code);
    Object.assign(this, { status, code, title, detail, errors, requestId: request_id, retryAfter });
  }

  /** What to show a person: the general sentence, or what is wrong with each field. */
  get words() {
    const fields = this.errors.filter((error) => error.detail).map((error) => error.detail);
    return fields.length ? [...new Set(fields)].join(" ") : this.message;
  }

  /** What is wrong with one field, or an empty string. */
  about(field) {
    return this.errors.filter((error) => error.field === field).map((error) => error.detail).join(" ");
  }
}

const offline = () => new Problem({ detail: "The server does not answer. The console keeps trying." });

async function problemOf(response) {
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  const requestId = response.headers.get("X-Request-ID") ?? "";
  let body = {};
  try {
    body = await response.json();
  } catch {
    // A proxy in between may answer with a page of its own; the status still says enough.
    body = { title: `The server answered ${response.status}.` };
  }
  return new Problem({ code: "error", request_id: requestId, ...body, status: response.status, retryAfter });
}

/**
 * One call. Resolves to the decoded JSON, or null where there is no body. Rejects with a Problem.
 * `url` is a path of this site; `query` entries that are null are left out; `accept` lists statuses that are answers
 * although they are not 2xx (a health report comes with 503).
 */
export async function request(method, url, { body, query = {}, token = null, accept = [], signal } = {}) {
  const address = new URL(url, location.origin);
  if (address.origin !== location.origin) throw new TypeError(`not of this site: ${address.origin}`);
  for (const [name, value] of Object.entries(query)) if (value !== null && value !== undefined) address.searchParams.set(name, value);
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(address, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      // Bearer tokens only: the admin site's cookie has no business in these calls.
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal: signal ?? AbortSignal.timeout(PATIENCE),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw offline();
  }
  if (!response.ok && !accept.includes(response.status)) throw await problemOf(response);
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch {
    throw offline();
  }
}

/**
 * The same as a signed-in caller: `(method, path, options)`. An access token that the server no longer takes is renewed
 * once, silently; a second refusal is the caller's answer.
 */
export function asUser(session) {
  return async (method, url, options = {}) => {
    const token = await session.token();
    try {
      return await request(method, url, { ...options, token });
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      return request(method, url, { ...options, token: await session.token({ not: token }) });
    }
  };
}
