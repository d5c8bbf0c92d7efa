/** A message in the console's own words, and the way to and from those of the API. No network, no elements. */

/** Of an answer or a frame. `replyTo` is {id, seq, text, from, fromName, deleted} or null. */
export function messageOf(raw) {
  return {
    id: raw.id,
    seq: raw.seq,
    text: raw.message,
    from: raw.from,
    fromName: raw.from_name,
    at: raw.at,
    clientId: raw.client_id,
    editedAt: raw.edited_at ?? null,
    deleted: raw.deleted ?? false,
    replyTo: raw.reply_to ? quoteOf(messageOf(raw.reply_to)) : null,
    attachments: raw.attachments ?? [],
    mentions: raw.mentions ?? [],
  };
}

/** The frame that says an own message. */
export function draftOf({ text, clientId, replyTo, attachments = [] }) {
  return {
    message: text,
    client_id: clientId,
    ...(replyTo ? { reply_to: replyTo.id } : {}),
    ...(attachments.length ? { attachments: attachments.map(({ id }) => id) } : {}),
  };
}

/** What a reply says of the message it answers. */
export const quoteOf = ({ id, seq, text, from, fromName, deleted }) => ({ id, seq, text, from, fromName, deleted });
