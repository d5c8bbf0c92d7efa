/** A message as the console uses it, and its conversion from and to the API's. */

/**
 * Convert an answer or a frame. `replyTo` is {id, seq, text, from, fromName, deleted} or null; `from` is null for system
 * messages. A `client_id` identifies a message of its sender only, so `clientId` is null unless `userId` is the sender.
 */
export function messageOf(raw, userId) {
  return {
    id: raw.id,
    seq: raw.seq,
    text: raw.message,
    from: raw.from,
    fromName: raw.from_name,
    at: raw.at,
    clientId: raw.from === userId ? raw.client_id : null,
    change: raw.change ?? 0,
    editedAt: raw.edited_at ?? null,
    deleted: raw.deleted ?? false,
    replyTo: raw.reply_to ? quoteOf(messageOf(raw.reply_to, userId)) : null,
    attachments: raw.attachments ?? [],
    mentions: raw.mentions ?? [],
  };
}

/** The frame that sends a message. */
export function draftOf({ text, clientId, replyTo, attachments = [] }) {
  return {
    message: text,
    client_id: clientId,
    ...(replyTo ? { reply_to: replyTo.id } : {}),
    ...(attachments.length ? { attachments: attachments.map(({ id }) => id) } : {}),
  };
}

/** What a reply shows of the message that it replies to. */
export const quoteOf = ({ id, seq, text, from, fromName, deleted }) => ({ id, seq, text, from, fromName, deleted });
