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
  type NotificationFrame,
  notificationsReadAll,
  NotificationsSocket,
  paginate,
  ProblemError,
  Session,
  SocketStopped,
  type TokenStore,
  usersMe,
  usersMeAvatarRemove,
  usersMeAvatarSet,
  usersMeUpdate,
  waitBefore,
} from "sarsen-private-client";
import * as open from "sarsen-public-client";

const { BASE_URL: baseUrl = "", SERVICE_KEY: serviceKey = "", ADMIN_PASSWORD: adminPassword = "" } = process.env;
const PASSWORD = "a widget circle on the downs";
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
  await assert.rejects(chat.say("hello"), (error) => error instanceof SocketStopped && error.code === CloseCode.noSuchRoom);
  assert.deepEqual([chat.state, chat.unsent.length], ["stopped", 1]);
});

/** A server that ends each connection with the next of these codes, the welcome said before; then none comes any more. */
function ending(codes: number[]) {
  let calls = 0;
  class Scripted {
    readyState = 1;
    onmessage: ((event: { data: string }) => void) | null = null;
    onclose: ((event: { code: number }) => void) | null = null;
    constructor() {
      calls += 1;
      const code = codes.shift();
      if (code === undefined) return;
      setTimeout(() => {
        if (code !== CloseCode.notAuthenticated) this.onmessage?.({ data: '{"type":"welcome","room":"lobby","seq":0,"online":[]}' });
        this.onclose?.({ code });
      });
    }
    send() {}
    close() {}
  }
  return { WebSocket: Scripted as unknown as typeof WebSocket, calls: () => calls };
}

test("every close code ends a socket for good, or for a while", async () => {
  const after = async (...codes: number[]) => {
    const pair = { access: "an access token", refresh: "a refresh token", token_type: "Bearer", expires_in: 600 };
    const own = new Session({ baseUrl, fetch: async () => Response.json({ ...pair, access: "another one" }) });
    own.adopt(pair);
    const server = ending(codes);
    const chat = new ChatSocket({ room: "lobby", session: own, WebSocket: server.WebSocket });
    const turn = new Promise<string>((resolve) =>
      chat.on("state", ({ state, code }) => ["waiting", "stopped"].includes(state) && resolve(`${state} ${code}`)),
    );
    chat.open();
    const turned = await turn;
    chat.close();
    return `${turned} after ${server.calls()}, ${own.isSignedIn ? "signed in" : "signed out"}`;
  };
  for (const code of [1006, CloseCode.tooBig, 1011, CloseCode.restart, CloseCode.tooSlow, CloseCode.tooManySockets, CloseCode.tooFast])
    assert.equal(await after(code), `waiting ${code} after 1, signed in`);
  for (const code of [CloseCode.notAMember, CloseCode.noSuchRoom, CloseCode.unknownVersion])
    assert.equal(await after(code), `stopped ${code} after 1, signed in`);
  assert.equal(await after(CloseCode.sessionEnded), "stopped 4408 after 1, signed out");
  assert.equal(await after(CloseCode.notAuthenticated, CloseCode.notAuthenticated), "stopped 4401 after 2, signed in");
});

test("a message that is too big is refused and not sent again", async () => {
  const slug = unique("big");
  await chatRoomsCreate({ body: { slug, name: slug } });
  const chat = new ChatSocket({ room: slug, session }).open();
  const told: string[] = [];
  chat.on("error", (frame) => told.push(frame.code));
  const receipts = ["before", "x".repeat(16 * 1024), "after"].map((text) => chat.say(text));
  await assert.rejects(receipts[1] ?? Promise.resolve(), (error) => error instanceof ChatRefused && error.code === "too_big");
  assert.deepEqual([(await receipts[0])?.seq, (await receipts[2])?.seq, told, chat.unsent], [1, 2, ["too_big"], []]);
  chat.close();
});

test("notifications come as they are made, in order, once, and after a break what was missed", async () => {
  connect(internal.client, { baseUrl, serviceKey });
  const { data: me } = await usersMe();
  const tell = (title: string) => internal.notificationsNotify({ body: { user: me.id, kind: "test.told", title } });
  const news = new NotificationsSocket({ session });
  const told: string[] = [];
  const shown: unknown[] = [];
  const counts: number[] = [];
  news.on("notification", (frame: NotificationFrame) => told.push(`${frame.seq} ${frame.title}`));
  news.on("event", ({ name, data }) => shown.push([name, data]));
  const unread = (count: number) =>
    new Promise<void>((resolve) => {
      const stop = news.on("unread", (frame) => {
        counts.push(frame.unread);
        if (frame.unread !== count) return;
        stop();
        resolve();
      });
    });
  const welcome = () => new Promise<number>((resolve) => news.on("welcome", (frame) => resolve(frame.unread)));
  const first = welcome();
  news.open();
  assert.equal(await first, 0);
  const one = unread(1);
  await tell("one");
  await one;
  await internal.notificationsPush({ body: { user: me.id, name: "deploy.finished", data: { version: "1.2" } } });
  const two = unread(2);
  await tell("two");
  await two;
  news.close();
  assert.deepEqual([news.state, news.seq], ["stopped", 2]);
  await tell("three");
  await tell("four");
  const again = welcome();
  const four = unread(4);
  news.open();
  assert.equal(await again, 4);
  await four;
  const none = unread(0);
  await notificationsReadAll({ body: {} });
  await none;
  assert.deepEqual(told, ["1 one", "2 two", "3 three", "4 four"]);
  assert.deepEqual([shown, counts, news.seq], [[["deploy.finished", { version: "1.2" }]], [1, 2, 4, 0], 4]);
  news.close();
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
