/** Rooms, messages and the chat socket in TypeScript, against a live server. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ChatRefused,
  ChatSocket,
  chatMessagesDelete,
  chatMessagesEdit,
  chatMessagesList,
  chatMessagesPost,
  chatRoomsCreate,
  chatRoomsDelete,
  chatRoomsEdit,
  chatRoomsList,
  chatRoomsRead,
  CloseCode,
  paginate,
  Session,
  SocketStopped,
  waitBefore,
} from "private-client";

import { baseUrl, login, refusal, signedIn, unique } from "../users/account.ts";

const { email, session } = await signedIn("Tess");

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
  const read: string[] = [];
  const messages = paginate((page) => chatMessagesList({ path: { slug }, query: { limit: 2, ...page } }), "previous");
  for await (const message of messages) read.push(message.message);
  assert.deepEqual(read, ["5", "4", "3", "2", "1"]);
});

test("waits are random, with a limit that doubles", () => {
  assert.deepEqual([0, 1, 2].map((n) => waitBefore(n, { random: () => 1 })), [500, 1000, 2000]);
  assert.deepEqual([false, true].map((slow) => waitBefore(60, { slow, random: () => 1 })), [8_000, 30_000]);
  assert.equal(waitBefore(0, { slow: true, random: () => 0.5 }), 2_000);
});

test("a conversation over the socket, with messages sent before it is open", async () => {
  const slug = unique("room");
  await chatRoomsCreate({ body: { slug, name: slug } });
  const chat = new ChatSocket({ room: slug, session });
  const received: string[] = [];
  const stop = chat.on("message", (frame) => received.push(`${frame.seq} ${frame.message}`));
  const acknowledged = ["one", "two", "three"].map((text) => chat.send(text));
  assert.deepEqual(chat.unsent.map((draft) => draft.message), ["one", "two", "three"]);
  chat.open();
  const acks = await Promise.all(acknowledged);
  assert.deepEqual(acks.map((ack) => ack.seq), [1, 2, 3]);
  await assert.rejects(chat.send(""), (error) => error instanceof ChatRefused && error.code === "invalid_message");
  const quoted = new Promise((resolve) => chat.on("message", (frame) => frame.reply_to && resolve(frame.reply_to.message)));
  await chat.send("four", { reply_to: acks[0]?.id ?? "" });
  assert.equal(await quoted, "one");
  chat.typing();
  chat.read(3);
  chat.read(4);
  const read = await new Promise<number>((resolve) => chat.on("read", (frame) => resolve(frame.seq)));
  assert.deepEqual([received, read, chat.seq], [["1 one", "2 two", "3 three", "4 four"], 4, 4]);
  chat.close();
  stop();
  // A message of an earlier socket that was not acknowledged.
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

test("edits and deletions that were missed arrive after a reconnect", async () => {
  const slug = unique("changes");
  await chatRoomsCreate({ body: { slug, name: slug } });
  const chat = new ChatSocket({ room: slug, session }).open();
  const acks = [];
  for (const text of ["one", "two"]) acks.push(await chat.send(text));
  const ids = acks.map(({ id }) => id);
  chat.close();
  assert.deepEqual([chat.seq, chat.change], [2, 0]);
  await chatMessagesEdit({ path: { slug, message_id: ids[0] ?? "" }, body: { message: "one!" } });
  await chatMessagesDelete({ path: { slug, message_id: ids[1] ?? "" } });
  const told: string[] = [];
  chat.on("edited", (frame) => told.push(`${frame.change} ${frame.seq} ${frame.message}`));
  await new Promise<void>((resolve) => {
    chat.on("deleted", (frame) => resolve(void told.push(`${frame.change} ${frame.seq}`)));
    chat.open();
  });
  assert.deepEqual([told, chat.change], [["1 1 one!", "2 2"], 2]);
  chat.close();
});

test("an unknown room stops the socket", async () => {
  const chat = new ChatSocket({ room: "no-such-room-anywhere", session }).open();
  await assert.rejects(chat.send("hello"), (error) => error instanceof SocketStopped && error.code === CloseCode.noSuchRoom);
  assert.deepEqual([chat.state, chat.unsent.length], ["stopped", 1]);
});

/** A server that welcomes each connection and closes it with the next of these codes. */
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

test("after each close code, a socket reconnects or stops", async () => {
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
  for (const code of [1006, CloseCode.tooBig, 1011, CloseCode.restart, CloseCode.tooSlow, CloseCode.tooFast])
    assert.equal(await after(code), `waiting ${code} after 1, signed in`);
  for (const code of [CloseCode.notAMember, CloseCode.noSuchRoom, CloseCode.unknownVersion, CloseCode.tooManySockets])
    assert.equal(await after(code), `stopped ${code} after 1, signed in`);
  assert.equal(await after(CloseCode.sessionEnded), "stopped 4408 after 1, signed out");
  assert.equal(await after(CloseCode.notAuthenticated, CloseCode.notAuthenticated), "stopped 4401 after 2, signed in");
});

test("a message that is too big is refused and not sent again", async () => {
  const slug = unique("big");
  await chatRoomsCreate({ body: { slug, name: slug } });
  const chat = new ChatSocket({ room: slug, session }).open();
  const refused: string[] = [];
  chat.on("error", (frame) => refused.push(frame.code));
  const acknowledged = ["before", "x".repeat(64 * 1024), "after"].map((text) => chat.send(text));
  await assert.rejects(acknowledged[1] ?? Promise.resolve(), (error) => error instanceof ChatRefused && error.code === "too_big");
  assert.deepEqual([(await acknowledged[0])?.seq, (await acknowledged[2])?.seq, refused, chat.unsent], [1, 2, ["too_big"], []]);
  chat.close();
});

test("a socket renews a token that the server refuses", async () => {
  const pair = await login(email);
  const other = new Session({ baseUrl });
  other.adopt({ ...pair, access: "not.a.token" });
  const slug = unique("again");
  await chatRoomsCreate({ body: { slug, name: slug } });
  const chat = new ChatSocket({ room: slug, session: other }).open();
  assert.equal((await chat.send("hello")).seq, 1);
  assert.equal((await chat.say("again")).seq, 2); // the deprecated name of send
  chat.close();
});
