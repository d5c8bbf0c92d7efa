// Rooms on socket.io, with its Redis adapter between processes.

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { admit, port, said } from "./shared.mjs";

const publisher = await createClient({ url: process.env.REDIS_URL }).connect();
const listener = await publisher.duplicate().connect();
const server = createServer();
const io = new Server(server, {
  adapter: createAdapter(publisher, listener), perMessageDeflate: false, transports: ["websocket"],
});

io.use(async (socket, next) => {
  const { token, room } = socket.handshake.auth;
  socket.data.user = await admit(token, room);
  next(socket.data.user === null ? new Error("refused") : undefined);
});

io.on("connection", (socket) => {
  const { room } = socket.handshake.auth;
  socket.join(room);
  socket.on("message", async ({ message }) => {
    io.to(room).emit("message", await said(socket.data.user, room, message));
  });
  socket.emit("welcome", { room });
});

server.listen(port, "127.0.0.1");
