/** What the notifications slice brings to the console: the page, the number of unread ones, the live stream. */

import { announce } from "../../console/dom.js";
import { addPage, count, on } from "../../console/registry.js";
import { Inbox } from "./inbox.js";
import { notificationsView } from "./notifications.js";

const inbox = new Inbox();

addPage("notifications", {
  link: { label: "Notifications", order: 20 },
  open: () => notificationsView(inbox),
});

inbox.addEventListener("unread", ({ detail: unread }) => count("notifications", { badge: unread }));
on("notified", ({ title }) => announce(`Notification: ${title}`));
on("signed-in", () => inbox.follow());
on("signed-out", () => inbox.stop());
on("seen", (what) => inbox.markSeen(what));
