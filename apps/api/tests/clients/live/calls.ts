/**
 * The TypeScript packages against a live server. Type-checked with `strict` against them, then run by Node.
 * BASE_URL is the server, SERVICE_KEY a key of the internal zone, ADMIN_PASSWORD that of the demo admin.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as admin from "sarsen-admin-client";
import * as internal from "sarsen-internal-client";
import {
  ChatRefused,
  ChatSocket,
  ChatStopped,
  chatMessagesList,
  chatMessagesPost,
  chatRoomsCreate,
  chatRoomsDelete,
  chatRoomsEdit,
  chatRoomsList,
  chatRoomsRead,
  client,
  CloseCode,
  connect,
  createClient,
  NetworkError,
  paginate,
  ProblemError,
  Session,
  type TokenStore,
  usersMe,
  usersMeAvatarRemove,
  usersMeAvatarSet,
  usersMeUpdate,
  waitBefore,
} from "sarsen-private-client";
import * as open from "sarsen-public-client";

const { BASE_URL: baseUrl = "", SERVICE_KEY: serviceKey = "", ADMIN_PASSWORD: adminPassword = "" } = process.env;
const PASSWORD = "a stone circle on the downs";
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==";
const unique = (name: string) => `${name}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;

connect(open.client, { baseUrl });
const email = `${unique("ts")}@example.com`;
const { data: account } = await open.authRegister({ body: { email, name: "Tess", password: PASSWORD } });
const saved: (string | null)[] = [null];
const store: TokenStore = { load: () => saved.at(-1) ?? null, save: (refresh) => saved.push(refresh) };
const session = new Session({ baseUrl, store });
connect(client, { baseUrl, session });

async function refusal(call: Promise<unknown>): Promise<ProblemError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

test("refusals are typed errors", async () => {
  const wrong = await refusal(session.signIn(email, "wrong"));
  assert.deepEqual([wrong.status, wrong.code, session.isSignedIn], [401, "invalid_credentials", false]);
  assert.ok(wrong.request_id.length > 8);
  const nobody = await refusal(usersMe());
  assert.deepEqual([nobody.status, nobody.code], [401, "not_authenticated"]);
});

test("signing in", async () => {
  const changes: boolean[] = [];
  const stop = session.onChange((signedIn) => changes.push(signedIn));
  assert.equal(await session.signIn(email, PASSWORD), null);
  stop();
  assert.deepEqual(changes, [true]);
  const { data, response } = await usersMe();
  assert.deepEqual([data.email, data.name], [email, "Tess"]);
  assert.ok("id" in account && account.id === data.id);
  assert.equal(response.status, 200);
});

test("create, read, change, delete", async () => {
  const slug = unique("room");
  const { data: made } = await chatRoomsCreate({ body: { slug, name: "First" } });
  assert.deepEqual([made.slug, made.role], [slug, "owner"]);
  await chatRoomsEdit({ path: { slug }, body: { name: "Second" } });
  const { data: read } = await chatRoomsRead({ path: { slug } });
  assert.equal(read.name, "Second");
  await chatRoomsDelete({ path: { slug } });
  const gone = await refusal(chatRoomsRead({ path: { slug } }));
  assert.deepEqual([gone.status, gone.code], [404, "room_not_found"]);
  const { data: me } = await usersMeUpdate({ body: { name: "Tessa" } });
  assert.equal(me.name, "Tessa");
});

test("what is wrong with the input is told by field", async () => {
  const refused = await refusal(chatRoomsCreate({ body: { slug: "Not A Slug", name: "" } }));
  assert.deepEqual([refused.status, refused.code], [400, "invalid_input"]);
  assert.deepEqual(refused.errors.map((error) => error.field).sort(), ["name", "slug"]);
  assert.equal(refused.about("slug").length, 1);
});

test("upload", async () => {
  const avatar = new Blob([Uint8Array.from(atob(PNG), (char) => char.charCodeAt(0))], { type: "image/png" });
  const { data } = await usersMeAvatarSet({ body: { avatar } });
  assert.match(data.avatar ?? "", /\/media\//);
  const text = await refusal(usersMeAvatarSet({ body: { avatar: new Blob(["not a picture"]) } }));
  assert.equal(text.code, "avatar_refused");
  await usersMeAvatarRemove();
});

test("pages are one sequence", async () => {
  const slugs = Array.from({ length: 5 }, () => unique("page"));
  for (const slug of slugs) await chatRoomsCreate({ body: { slug, name: slug } });
  const found: string[] = [];
  for await (const room of paginate((page) => chatRoomsList({ query: { limit: 2, ...page } }))) found.push(room.slug);
  assert.deepEqual(slugs.filter((slug) => !found.includes(slug)), []);
  assert.equal(new Set(found).size, found.length);
  const [slug = ""] = slugs;
  for (let n = 1; n <= 5; n += 1) await chatMessagesPost({ path: { slug }, body: { message: `${n}` } });
  const said: string[] = [];
  const talk = paginate((page) => chatMessagesList({ path: { slug }, query: { limit: 2, ...page } }), "previous");
  for await (const message of talk) said.push(message.message);
  assert.deepEqual(said, ["5", "4", "3", "2", "1"]);
});

test("a 401 is renewed once for all, and the body sent again", async () => {
  const { data: pair } = await open.authLogin({ body: { email, password: PASSWORD } });
  assert.ok("access" in pair);
  const paths: string[] = [];
  const counting = (request: Request) => {
    paths.push(new URL(request.url).pathname.split("/").at(-2) ?? "");
    return fetch(request);
  };
  const other = new Session({ baseUrl, fetch: counting });
  other.adopt({ ...pair, access: "not.a.token" });
  const apart = connect(createClient(), { baseUrl, session: other, fetch: counting });
  const names = await Promise.all(
    Array.from({ length: 6 }, () => usersMeUpdate({ client: apart, body: { name: "Tess" } })),
  );
  assert.deepEqual(names.map(({ data }) => data.name), Array(6).fill("Tess"));
  assert.equal(paths.filter((path) => path === "refresh").length, 1);
  await other.signOut();
  assert.equal((await refusal(usersMe({ client: apart }))).code, "not_authenticated");
});

test("a session that the server ended ends here", async () => {
  const { data: pair } = await open.authLogin({ body: { email, password: PASSWORD } });
  assert.ok("access" in pair);
  const other = new Session({ baseUrl });
  other.adopt({ ...pair, expires_in: 0 });
  await open.authLogout({ body: { refresh: pair.refresh } });
  assert.equal((await refusal(other.token())).code, "refresh_token_invalid");
  assert.equal(other.isSignedIn, false);
});

test("a session is taken up from its store", async () => {
  const { data: pair } = await open.authLogin({ body: { email, password: PASSWORD } });
  assert.ok("access" in pair);
  const kept: (string | null)[] = [pair.refresh];
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

test("services and admins have clients, too", async () => {
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
  const { data: people } = await admin.usersList({ query: { search: email } });
  assert.equal(people.results[0]?.email, email);
});

test("waits double by chance up to a bound", () => {
  assert.deepEqual([0, 1, 2].map((n) => waitBefore(n, { random: () => 1 })), [500, 1000, 2000]);
  assert.deepEqual([false, true].map((slow) => waitBefore(60, { slow, random: () => 1 })), [8_000, 30_000]);
  assert.equal(waitBefore(0, { slow: true, random: () => 0.5 }), 2_000);
});

test("a conversation over the socket", async () => {
  const slug = unique("talk");
  await chatRoomsCreate({ body: { slug, name: slug } });
  const chat = new ChatSocket({ room: slug, session });
  const heard: string[] = [];
  const stop = chat.on("message", (frame) => heard.push(`${frame.seq} ${frame.message}`));
  // Said before there is a line: kept, and sent in order.
  const receipts = ["one", "two", "three"].map((text) => chat.say(text));
  assert.deepEqual(chat.unsent.map((draft) => draft.message), ["one", "two", "three"]);
  chat.open();
  const acks = await Promise.all(receipts);
  assert.deepEqual(acks.map((ack) => ack.seq), [1, 2, 3]);
  await assert.rejects(chat.say(""), (error) => error instanceof ChatRefused && error.code === "invalid_message");
  const answered = new Promise((resolve) => chat.on("message", (frame) => frame.reply_to && resolve(frame.reply_to.message)));
  await chat.say("four", { reply_to: acks[0]?.id ?? "" });
  assert.equal(await answered, "one");
  chat.typing();
  chat.read(3);
  chat.read(4);
  const read = await new Promise<number>((resolve) => chat.on("read", (frame) => resolve(frame.seq)));
  assert.deepEqual([heard, read, chat.seq], [["1 one", "2 two", "3 three", "4 four"], 4, 4]);
  chat.close();
  stop();
  // The same message by another socket, as after a crash between sending and receipt, is no second one.
  const again = new ChatSocket({ room: slug, session, after: 2, unsent: [{ message: "five", client_id: crypto.randomUUID() }] });
  const replayed: number[] = [];
  again.on("message", (frame) => replayed.push(frame.seq));
  await new Promise<void>((resolve) => {
    again.on("message", (frame) => frame.seq === 5 && resolve());
    again.open();
  });
  assert.deepEqual([replayed, again.unsent], [[3, 4, 5], []]);
  again.close();
});

test("rooms that one may not enter stop the socket", async () => {
  const chat = new ChatSocket({ room: "no-such-room-anywhere", session }).open();
  await assert.rejects(chat.say("hello"), (error) => error instanceof ChatStopped && error.code === CloseCode.noSuchRoom);
  assert.deepEqual([chat.state, chat.unsent.length], ["stopped", 1]);
});

test("a socket whose token is not taken renews it once", async () => {
  const { data: pair } = await open.authLogin({ body: { email, password: PASSWORD } });
  assert.ok("access" in pair);
  const other = new Session({ baseUrl });
  other.adopt({ ...pair, access: "not.a.token" });
  const slug = unique("again");
  await chatRoomsCreate({ body: { slug, name: slug } });
  const chat = new ChatSocket({ room: slug, session: other }).open();
  assert.equal((await chat.say("hello")).seq, 1);
  chat.close();
  await session.signOut();
  assert.equal(saved.at(-1), null);
});
