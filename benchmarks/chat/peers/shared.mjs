// Shared by both Node servers: the token, the membership, and the stored message.

import jwt from "jsonwebtoken";
import pg from "pg";

const [kid, secret] = process.env.JWT_KEYS.split(",")[0].split(":");
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
export const withChecks = process.env.WITH_CHECKS === "1";
export const withStore = process.env.WITH_STORE === "1";
export const port = Number(process.argv[2]);

const ADMIT = {
  name: "admit",
  text: `SELECT u.id, u.name, r.id AS room FROM users_user u
    JOIN users_session s ON s.user_id = u.id AND s.id = $2
    JOIN chat_membership m ON m.user_id = u.id
    JOIN chat_room r ON r.id = m.room_id AND r.slug = $3
    WHERE u.id = $1 AND u.is_active AND s.ended_at IS NULL AND s.expires_at > now()`,
};
const STORE = {
  name: "store",
  text: "INSERT INTO bench_message (room, sender, text) VALUES ($1, $2, $3) RETURNING id, created_at",
};

// The user of a handshake, or null.
export async function admit(token, slug) {
  if (!withChecks) return { id: "00000000-0000-4000-8000-000000000000", name: "Benchmark" };
  let claims;
  try {
    claims = jwt.verify(token, secret, { algorithms: ["HS256"], issuer: "sarsen", audience: "sarsen" });
  } catch {
    return null;
  }
  const { rows } = await pool.query({ ...ADMIT, values: [claims.sub, claims.sid, slug] });
  return rows[0] ?? null;
}

// The frame that everyone gets; stored first where that is asked for.
export async function said(user, slug, message) {
  let id = crypto.randomUUID();
  let at = new Date();
  if (withStore) {
    const { rows } = await pool.query({ ...STORE, values: [slug, user.id, message] });
    ({ id, created_at: at } = rows[0]);
  }
  return {
    type: "message", id, message, from: user.id, from_name: user.name, at: at.toISOString(),
    client_id: crypto.randomUUID(),
  };
}
