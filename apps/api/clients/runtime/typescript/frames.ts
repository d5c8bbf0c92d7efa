/** The frames of `sarsen.chat.v1`, as docs/chat.md describes them. Times are ISO 8601 in UTC. */

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

/** A message. `from` is null for the system. */
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
}

/** A message says something else now. */
export interface EditedFrame {
  type: "edited";
  id: string;
  seq: number;
  message: string;
  edited_at: string;
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

export interface PongFrame {
  type: "pong";
}

/** A refusal; the socket stays open. `client_id` names the message that was refused. */
export interface ErrorFrame {
  type: "error";
  code: string;
  detail: string;
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
  pong: PongFrame;
  error: ErrorFrame;
}

export type Frame = Frames[keyof Frames];

/** What a server that is newer, or an application of one's own, may push besides. */
export interface UnknownFrame {
  type: string;
  [member: string]: unknown;
}

/** A message on its way. Members besides these go with it as they are. */
export interface Draft {
  message: string;
  client_id: string;
  [member: string]: unknown;
}
