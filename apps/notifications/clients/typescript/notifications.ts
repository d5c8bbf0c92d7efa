/**
 * A reconnecting socket for notifications (`/ws/notifications/`, protocol `notifications.v1`).
 *
 * It resumes after the newest `seq`, so that each notification arrives once and in order. Changes and removals that were
 * missed are replayed, some of them perhaps again.
 */

import {
  type EventFrame,
  type PongFrame,
  ReconnectingSocket,
  type SocketEvents,
  type SocketOptions,
} from "../../../common/client_runtime/typescript/reconnecting_socket.js";

/** The first frame of a connection: the newest number, and the number of unread notifications. */
export interface NotificationsWelcomeFrame {
  type: "welcome";
  seq: number;
  unread: number;
}

interface NotificationFields {
  id: string;
  seq: number;
  kind: string;
  title: string;
  body: string;
  link: string;
  data: Record<string, unknown>;
  at: string;
  read: boolean;
}

/** A notification. `kind` is `<slice>.<kind>`; `link` is a path of the site, or empty; `at` is ISO 8601 in UTC. */
export interface NotificationFrame extends NotificationFields {
  type: "notification";
}

/** The text of a notification changed. */
export interface ChangedFrame extends NotificationFields {
  type: "changed";
}

/** Notifications were deleted, because what they quoted was deleted or the user may no longer read it. */
export interface RemovedFrame {
  type: "removed";
  ids: string[];
}

/** The number of unread notifications, after new ones and after some were read elsewhere. */
export interface UnreadFrame {
  type: "unread";
  unread: number;
}

/** The frames of the protocol by type. */
export interface NotificationsFrames {
  welcome: NotificationsWelcomeFrame;
  notification: NotificationFrame;
  changed: ChangedFrame;
  removed: RemovedFrame;
  unread: UnreadFrame;
  event: EventFrame;
  pong: PongFrame;
}

type Frame = NotificationsFrames[keyof NotificationsFrames];

export interface NotificationsEvents extends NotificationsFrames, SocketEvents<Frame> {}

const PROTOCOL = "notifications.v1";

export class NotificationsSocket extends ReconnectingSocket<Frame, NotificationsEvents> {
  constructor(options: SocketOptions) {
    super("/ws/notifications/", PROTOCOL, options);
  }

  /** A missing number is a deleted notification, not a gap. */
  protected override accept(frame: Frame): boolean {
    return frame.type !== "notification" || this.advance(frame.seq);
  }
}
