/** The notifications socket in TypeScript, against a live server. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as internal from "internal-client";
import { type NotificationFrame, notificationsReadAll, NotificationsSocket } from "private-client";

import { baseUrl, serviceKey, signedIn } from "../users/account.ts";

const { id, session } = await signedIn("Tess");

test("notifications arrive in order and once, also those from before a reconnect", async () => {
  internal.connect(internal.client, { baseUrl, serviceKey });
  const notify = (title: string) => internal.notificationsNotify({ body: { user: id, kind: "test.sent", title } });
  const notifications = new NotificationsSocket({ session });
  const titles: string[] = [];
  const events: unknown[] = [];
  const counts: number[] = [];
  notifications.on("notification", (frame: NotificationFrame) => titles.push(`${frame.seq} ${frame.title}`));
  notifications.on("event", ({ name, data }) => events.push([name, data]));
  const unread = (count: number) =>
    new Promise<void>((resolve) => {
      const stop = notifications.on("unread", (frame) => {
        counts.push(frame.unread);
        if (frame.unread !== count) return;
        stop();
        resolve();
      });
    });
  const welcome = () => new Promise<number>((resolve) => notifications.on("welcome", (frame) => resolve(frame.unread)));
  const first = welcome();
  notifications.open();
  assert.equal(await first, 0);
  const one = unread(1);
  await notify("one");
  await one;
  await internal.notificationsPush({ body: { user: id, name: "deploy.finished", data: { version: "1.2" } } });
  const two = unread(2);
  await notify("two");
  await two;
  notifications.close();
  assert.deepEqual([notifications.state, notifications.seq], ["stopped", 2]);
  await notify("three");
  await notify("four");
  const again = welcome();
  const four = unread(4);
  notifications.open();
  assert.equal(await again, 4);
  await four;
  const none = unread(0);
  await notificationsReadAll({ body: {} });
  await none;
  assert.deepEqual(titles, ["1 one", "2 two", "3 three", "4 four"]);
  assert.deepEqual([events, counts, notifications.seq], [[["deploy.finished", { version: "1.2" }]], [1, 2, 4, 0], 4]);
  notifications.close();
});
