/** Sessions, errors, uploads and the zones of services and admins in TypeScript, against a live server. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as admin from "admin-client";
import * as internal from "internal-client";
import {
  client,
  connect,
  createClient,
  NetworkError,
  Session,
  type TokenStore,
  usersMe,
  usersMeAvatarRemove,
  usersMeAvatarSet,
  usersMeUpdate,
} from "private-client";
import * as open from "public-client";

import { adminPassword, baseUrl, login, PASSWORD, refusal, register, serviceKey } from "./account.ts";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==";

const { email, id } = await register("Tess");
const saved: (string | null)[] = [null];
const store: TokenStore = { load: () => saved.at(-1) ?? null, save: (refresh) => saved.push(refresh) };
const session = new Session({ baseUrl, store });
connect(client, { baseUrl, session });

test("errors are typed", async () => {
  const wrong = await refusal(session.signIn(email, "wrong"));
  assert.deepEqual([wrong.status, wrong.code, session.isSignedIn], [401, "invalid_credentials", false]);
  assert.ok(wrong.request_id.length > 8);
  const signedOut = await refusal(usersMe());
  assert.deepEqual([signedOut.status, signedOut.code], [401, "not_authenticated"]);
});

test("signing in", async () => {
  const changes: boolean[] = [];
  const stop = session.onChange((signedIn) => changes.push(signedIn));
  assert.equal(await session.signIn(email, PASSWORD), null);
  stop();
  assert.deepEqual(changes, [true]);
  const { data, response } = await usersMe();
  assert.deepEqual([data.email, data.name, data.id, response.status], [email, "Tess", id, 200]);
  const { data: changed } = await usersMeUpdate({ body: { name: "Tessa" } });
  assert.equal(changed.name, "Tessa");
});

test("invalid input is reported by field", async () => {
  const refused = await refusal(open.authRegister({ body: { email: "no address", name: "", password: PASSWORD } }));
  assert.deepEqual([refused.status, refused.code], [400, "invalid_input"]);
  assert.deepEqual(refused.errors.map((error) => error.field).sort(), ["email", "name"]);
  assert.equal(refused.about("email").length, 1);
});

test("upload", async () => {
  const avatar = new Blob([Uint8Array.from(atob(PNG), (char) => char.charCodeAt(0))], { type: "image/png" });
  const { data } = await usersMeAvatarSet({ body: { avatar } });
  assert.match(data.avatar ?? "", /\/media\//);
  const text = await refusal(usersMeAvatarSet({ body: { avatar: new Blob(["not a picture"]) } }));
  assert.equal(text.code, "avatar_refused");
  await usersMeAvatarRemove();
});

test("after a 401, calls share one renewal and send their bodies again", async () => {
  const pair = await login(email);
  const paths: string[] = [];
  const counting = (request: Request) => {
    paths.push(new URL(request.url).pathname.split("/").at(-2) ?? "");
    return fetch(request);
  };
  const other = new Session({ baseUrl, fetch: counting });
  other.adopt({ ...pair, access: "not.a.token" });
  const separate = connect(createClient(), { baseUrl, session: other, fetch: counting });
  const names = await Promise.all(
    Array.from({ length: 6 }, () => usersMeUpdate({ client: separate, body: { name: "Tess" } })),
  );
  assert.deepEqual(names.map(({ data }) => data.name), Array(6).fill("Tess"));
  assert.equal(paths.filter((path) => path === "refresh").length, 1);
  await other.signOut();
  assert.equal((await refusal(usersMe({ client: separate }))).code, "not_authenticated");
});

test("a session that the server ended ends here", async () => {
  const pair = await login(email);
  const other = new Session({ baseUrl });
  other.adopt({ ...pair, expires_in: 0 });
  await open.authLogout({ body: { refresh: pair.refresh } });
  assert.equal((await refusal(other.token())).code, "refresh_token_invalid");
  assert.equal(other.isSignedIn, false);
});

test("a session continues from its store", async () => {
  const { refresh } = await login(email);
  const kept: (string | null)[] = [refresh];
  const other = new Session({ baseUrl, store: { load: () => kept.at(-1) ?? null, save: (token) => kept.push(token) } });
  const { data } = await usersMe({ client: connect(createClient(), { baseUrl, session: other }) });
  assert.deepEqual([data.email, kept.length], [email, 2]);
});

test("no answer is a NetworkError", async () => {
  const nowhere = connect(createClient(), { baseUrl: "http://127.0.0.1:1", session });
  await assert.rejects(usersMe({ client: nowhere }), NetworkError);
  const slow = connect(createClient(), { baseUrl, session, timeout: 0 });
  await assert.rejects(usersMe({ client: slow }), NetworkError);
});

test("services and admins have clients", async () => {
  connect(internal.client, { baseUrl, serviceKey });
  const token = await session.token();
  const { data } = await internal.tokensIntrospect({ body: { token } });
  assert.equal(data.active, true);
  connect(admin.client, { baseUrl, session });
  const refused = await refusal(admin.usersList());
  assert.deepEqual([refused.status, refused.code], [403, "permission_denied"]);
  const ada = new admin.Session({ baseUrl });
  await ada.signIn("ada@example.com", adminPassword);
  admin.connect(admin.client, { baseUrl, session: ada });
  const { data: users } = await admin.usersList({ query: { search: email } });
  assert.equal(users.results[0]?.email, email);
});

test("signing out", async () => {
  await session.signOut();
  assert.equal(saved.at(-1), null);
});
