/**
 * What a call may fail with. The server refused: `ProblemError`, which is its problem document (RFC 9457) as an error.
 * No answer came: `NetworkError`.
 */

/** One fault of one field of the input. `field` is a path, as in `address.city` or `items.2`. */
export interface FieldProblem {
  field: string;
  code: string;
  detail: string;
}

/** A refusal by the server. `code` is stable and listed at `/api/problems/`; `detail` is safe to show. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  /** Names the call in the server's log. */
  readonly request_id: string;
  readonly errors: readonly FieldProblem[];
  /** Seconds to wait before the next attempt, where the server said so (429, 503); else 0. */
  readonly retryAfter: number;

  constructor(response: Response, body: unknown) {
    const said: Record<string, unknown> = typeof body === "object" && body !== null ? { ...body } : {};
    const text = (key: string, otherwise: string) => (typeof said[key] === "string" ? said[key] : otherwise);
    // A proxy in between may answer with a page of its own; the status still says enough.
    const title = text("title", response.statusText || `The server answered ${response.status}.`);
    super(text("detail", title) || title);
    this.type = text("type", "about:blank");
    this.title = title;
    this.status = response.status;
    this.detail = this.message;
    this.code = text("code", `http_${response.status}`);
    this.request_id = text("request_id", response.headers.get("X-Request-ID") ?? "");
    this.errors = Array.isArray(said["errors"]) ? (said["errors"] as FieldProblem[]) : [];
    this.retryAfter = Number(response.headers.get("Retry-After")) || 0;
  }

  /** What is wrong with one field, in the server's words. */
  about(field: string): string[] {
    return this.errors.filter((error) => error.field === field).map((error) => error.detail);
  }

  /** The refusal that a response holds. */
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

/** No answer: no line, no server, or none within the time that was allowed. `cause` is what the platform said. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";

  constructor(cause: unknown) {
    super("The server did not answer.", { cause });
  }
}
