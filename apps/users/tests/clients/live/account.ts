/** An account, and helpers for the calls of every slice. */

import { connect, ProblemError, Session, usersMe, client as privateClient } from "private-client";
import * as open from "public-client";

/** BASE_URL is the server, SERVICE_KEY a key of the internal zone, ADMIN_PASSWORD the password of the demo admin. */
export const { BASE_URL: baseUrl = "", SERVICE_KEY: serviceKey = "", ADMIN_PASSWORD: adminPassword = "" } = process.env;
export const PASSWORD = "a widget circle on the downs";

/** A name that is not in use. */
export const unique = (name: string) => `${name}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;

/** Register an account. */
export async function register(name: string): Promise<{ email: string; id: string | undefined }> {
  connect(open.client, { baseUrl });
  const email = `${unique("ts")}@example.com`;
  const { data } = await open.authRegister({ body: { email, name, password: PASSWORD } });
  return { email, id: "id" in data ? data.id : undefined };
}

/** Register an account, sign in, and let the calls of the private zone use the session. */
export async function signedIn(name: string): Promise<{ email: string; id: string; session: Session }> {
  const { email } = await register(name);
  const session = new Session({ baseUrl });
  await session.signIn(email, PASSWORD);
  connect(privateClient, { baseUrl, session });
  return { email, id: (await usersMe()).data.id, session };
}

/** The tokens of a new session. */
export async function login(email: string): Promise<{ access: string; refresh: string; token_type: string; expires_in: number }> {
  const { data } = await open.authLogin({ body: { email, password: PASSWORD } });
  if (!("access" in data)) throw new Error("a second factor is required");
  return data;
}

/** The error of a call that must be refused. */
export async function refusal(call: Promise<unknown>): Promise<ProblemError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error("the call was not refused");
}
