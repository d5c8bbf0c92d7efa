/** The frames of `sarsen.chat.v1`, as docs/chat.md describes them. Times are ISO 8601 in UTC. */

import type { EventFrame, PongFrame } from "../../../common/client_runtime/typescript/reconnecting_socket.js";

/** Someone who is in a room right now. */
export interface Presence {
  user: string;
  name: string;
}

/** First after connecting: the room's newest number, and who is there. */
export interface WelcomeFrame {
  type: "welcome";
  room: string;
  seq: number;
  online: Presence[];
}

/** The receipt of one's own message: it is stored, under this number. */
export interface AckFrame {
  type: "ack";
  client_id: string;
  id: string;
  seq: number;
  at: string;
}

/** The message that another one answers, as it reads now. */
export interface Quote {
  id: string;
  seq: number;
  message: string;
  from: string | null;
  from_name: string;
  deleted: boolean;
}

/** A file of a message. `type` was found by its content; `size` in bytes; `width` and `height` in pixels, of images. */
export interface Attachment {
  id: string;
  name: string;
  type: string;
  size: number;
  width: number | null;
  height: number | null;
}

/** A member whom a message names as `<@user>`. */
export interface Mention {
  user: string;
  name: string;
}

/** A message. `from` is null for the system. What it has not is left out. */
export interface MessageFrame {
  type: "message";
  id: string;
  seq: number;
  message: string;
  from: string | null;
  from_name: string;
  at: string;
  client_id: string;
  edited_at?: string;
  deleted?: boolean;
  reply_to?: Quote;
  attachments?: Attachment[];
  mentions?: Mention[];
}

/** A message says something else now. */
export interface EditedFrame {
  type: "edited";
  id: string;
  seq: number;
  message: string;
  edited_at: string;
  mentions?: Mention[];
}

/** A message was taken back. */
export interface DeletedFrame {
  type: "deleted";
  id: string;
  seq: number;
}

export interface PresenceFrame extends Presence {
  type: "presence";
  online: boolean;
}

export interface TypingFrame extends Presence {
  type: "typing";
}

/** Someone has read up to `seq`. */
export interface ReadFrame {
  type: "read";
  user: string;
  seq: number;
}

/** A moderator changed somebody's role, or for how long they may not write. */
export interface MemberFrame {
  type: "member";
  user: string;
  role: string;
  muted_until: string | null;
}

/** A refusal; the socket stays open. `client_id` names the message that was refused, `until` ends a `muted`. */
export interface ErrorFrame {
  type: "error";
  code: string;
  detail: string;
  until?: string;
  client_id?: string;
}

/** The frames of the protocol by type. */
export interface Frames {
  welcome: WelcomeFrame;
  ack: AckFrame;
  message: MessageFrame;
  edited: EditedFrame;
  deleted: DeletedFrame;
  presence: PresenceFrame;
  typing: TypingFrame;
  read: ReadFrame;
  member: MemberFrame;
  event: EventFrame;
  pong: PongFrame;
  error: ErrorFrame;
}

export type Frame = Frames[keyof Frames];

/** A message on its way, as it is sent. */
export interface Draft {
  message: string;
  client_id: string;
  /** The id of the message that it answers. */
  reply_to?: string;
  /** Ids of files that were uploaded before. */
  attachments?: string[];
  [member: string]: unknown;
}
