/**
 * What one is told, as it comes (`/ws/notifications/`, protocol `sarsen.notifications.v1`): a socket that comes back.
 *
 * It resumes by `seq`, so that each notification arrives once and in order.
 */

import {
  type EventFrame,
  type PongFrame,
  ReconnectingSocket,
  type SocketEvents,
  type SocketOptions,
} from "../../../common/client_runtime/typescript/reconnecting_socket.js";

/** First after connecting: the newest number, and how many are unread. */
export interface NotificationsWelcomeFrame {
  type: "welcome";
  seq: number;
  unread: number;
}

/** Something that one is told. `kind` is `<slice>.<what>`; `link` is a path of the site, or empty. `at` is ISO 8601 in UTC. */
export interface NotificationFrame {
  type: "notification";
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

/** How many are unread now: behind new ones, and when some were read elsewhere. */
export interface UnreadFrame {
  type: "unread";
  unread: number;
}

/** The frames of the protocol by type. */
export interface NotificationsFrames {
  welcome: NotificationsWelcomeFrame;
  notification: NotificationFrame;
  unread: UnreadFrame;
  event: EventFrame;
  pong: PongFrame;
}

type Frame = NotificationsFrames[keyof NotificationsFrames];

export interface NotificationsEvents extends NotificationsFrames, SocketEvents<Frame> {}

const PROTOCOL = "sarsen.notifications.v1";

export class NotificationsSocket extends ReconnectingSocket<Frame, NotificationsEvents> {
  constructor(options: SocketOptions) {
    super("/ws/notifications/", PROTOCOL, options);
  }

  /** Numbers that are missing were deleted meanwhile: nothing else leaves one out. */
  protected override take(frame: Frame): boolean {
    return frame.type !== "notification" || this.advance(frame.seq);
  }
}
