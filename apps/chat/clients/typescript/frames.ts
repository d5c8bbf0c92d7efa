/** The frames of `chat.v1` (apps/chat/docs/chat.md). Times are ISO 8601 in UTC. */

import type { EventFrame, PongFrame } from "../../../common/client_runtime/typescript/reconnecting_socket.js";

/** A member who is online in the room. */
export interface Presence {
  user: string;
  name: string;
}

/** The first frame of a connection: the room's newest message and change, and the members who are online. */
export interface WelcomeFrame {
  type: "welcome";
  room: string;
  seq: number;
  change: number;
  online: Presence[];
}

/** The acknowledgement of your own message: it is stored, under this number. */
export interface AckFrame {
  type: "ack";
  client_id: string;
  id: string;
  seq: number;
  at: string;
}

/** The message that another one replies to, in its current form. */
export interface Quote {
  id: string;
  seq: number;
  message: string;
  from: string | null;
  from_name: string;
  deleted: boolean;
}

/** A file of a message. `type` is detected from the content; `size` is in bytes; images have a size in pixels. */
export interface Attachment {
  id: string;
  name: string;
  type: string;
  size: number;
  width: number | null;
  height: number | null;
}

/** A member mentioned in a message as `<@user>`. */
export interface Mention {
  user: string;
  name: string;
}

/** A message. `from` is null for system messages. */
export interface MessageFrame {
  type: "message";
  id: string;
  seq: number;
  message: string;
  from: string | null;
  from_name: string;
  at: string;
  client_id: string;
  change?: number;
  edited_at?: string;
  deleted?: boolean;
  reply_to?: Quote;
  attachments?: Attachment[];
  mentions?: Mention[];
}

/** The text of a message changed, and with it the quotes of it. `change` numbers the changes of the room. */
export interface EditedFrame {
  type: "edited";
  id: string;
  seq: number;
  change: number;
  message: string;
  edited_at: string;
  mentions?: Mention[];
}

/** A message was deleted, and with it the text in quotes of it. */
export interface DeletedFrame {
  type: "deleted";
  id: string;
  seq: number;
  change: number;
}

export interface PresenceFrame extends Presence {
  type: "presence";
  online: boolean;
}

export interface TypingFrame extends Presence {
  type: "typing";
}

/** A member has read everything up to `seq`. */
export interface ReadFrame {
  type: "read";
  user: string;
  seq: number;
}

/** A moderator changed the role of a member, or muted them. */
export interface MemberFrame {
  type: "member";
  user: string;
  role: string;
  muted_until: string | null;
}

/** A refusal; the socket stays open. `client_id` is that of the refused message, `until` the end of a mute. */
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

/** A message that is not acknowledged, as it is sent. */
export interface Draft {
  message: string;
  client_id: string;
  /** The id of the message that it replies to. */
  reply_to?: string;
  /** Ids of uploaded files. */
  attachments?: string[];
  [member: string]: unknown;
}
