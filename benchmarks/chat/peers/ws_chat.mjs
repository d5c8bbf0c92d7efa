// Rooms on `ws`, with Redis pub/sub between processes.

import { createServer } from "node:http";
import { createClient } from "redis";
import { WebSocketServer } from "ws";
import { admit, port, said } from "./shared.mjs";

const publisher = await createClient({ url: process.env.REDIS_URL }).connect();
const listener = await publisher.duplicate().connect();
const rooms = new Map();
const server = createServer();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 16 * 1024 });

async function enter(slug, socket) {
  let room = rooms.get(slug);
  if (!room) {
    room = new Set();
    rooms.set(slug, room);
    room.heard = listener.subscribe(`ws:${slug}`, (text) => {
      for (const other of room) other.send(text);
    });
  }
  room.add(socket);
  await room.heard;
  return room;
}

server.on("upgrade", async (request, stream, head) => {
  const slug = request.url.split("/")[3];
  const token = (request.headers.authorization ?? "").replace("Bearer ", "");
  const user = await admit(token, slug);
  if (user === null) return stream.destroy();
  sockets.handleUpgrade(request, stream, head, async (socket) => {
    const room = await enter(slug, socket);
    socket.on("message", async (data) => {
      const { message } = JSON.parse(data);
      await publisher.publish(`ws:${slug}`, JSON.stringify(await said(user, slug, message)));
    });
    socket.on("close", () => room.delete(socket));
    socket.send(JSON.stringify({ type: "welcome", room: slug }));
  });
});

server.listen(port, "127.0.0.1");
