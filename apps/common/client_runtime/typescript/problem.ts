/** The errors of a call: `ProblemError`, the server's problem document (RFC 9457), and `NetworkError`, for no answer. */

/** What is wrong with one field of the input. `field` is a path, such as `address.city` or `items.2`. */
export interface FieldProblem {
  field: string;
  code: string;
  detail: string;
}

/** The server refused a call. `code` is stable and listed at `/api/problems/`; `detail` is safe to show. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  /** Identifies the call in the server's log. */
  readonly request_id: string;
  readonly errors: readonly FieldProblem[];
  /** Seconds to wait before the next attempt (429, 503), 0 when the server sent none. */
  readonly retryAfter: number;

  constructor(response: Response, body: unknown) {
    const document: Record<string, unknown> = typeof body === "object" && body !== null ? { ...body } : {};
    const text = (key: string, fallback: string) => (typeof document[key] === "string" ? document[key] : fallback);
    // A proxy may answer with a page of its own.
    const title = text("title", response.statusText || `The server answered ${response.status}.`);
    super(text("detail", title) || title);
    this.type = text("type", "about:blank");
    this.title = title;
    this.status = response.status;
    this.detail = this.message;
    this.code = text("code", `http_${response.status}`);
    this.request_id = text("request_id", response.headers.get("X-Request-ID") ?? "");
    this.errors = Array.isArray(document["errors"]) ? (document["errors"] as FieldProblem[]) : [];
    this.retryAfter = Number(response.headers.get("Retry-After")) || 0;
  }

  /** The server's messages about one field. */
  about(field: string): string[] {
    return this.errors.filter((error) => error.field === field).map((error) => error.detail);
  }

  /** Make an error of a response. */
  static async of(response: Response): Promise<ProblemError> {
    const text = await response.text().catch(() => "");
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = undefined;
    }
    return new ProblemError(response, body);
  }
}

/** The server did not answer, or not in time. `cause` is the error of the platform. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";

  constructor(cause: unknown) {
    super("The server did not answer.", { cause });
  }
}
