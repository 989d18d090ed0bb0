/**
 * What a token looks like: `dexter_<id>_<secret><checksum>`. The id is public: it finds the record, and
 * stands in lists and logs. The secret is 256 random bits, in base64url; the checksum tells a token that was
 * cut or mistyped from one that was never given, before anybody looks it up.
 */
import { createHash, randomBytes } from "node:crypto";

const SECRET_BYTES = 32;
const ID_BYTES = 6;
const CHECK_DIGITS = 8;
const TOKEN = /^(dexter_([0-9a-f]{12})_[\w-]{43})([0-9a-f]{8})$/;
/** Anything that may be a token, or most of one. */
const LIKE_A_TOKEN = /dexter_[\w-]{4,}/g;

/** An id takes no name's place: `revoke` takes either. */
export const TOKEN_ID = /^[0-9a-f]{12}$/;

interface NewToken {
  readonly id: string;
  readonly token: string;
}

export function makeToken(): NewToken {
  const id = randomBytes(ID_BYTES).toString("hex");
  const body = `dexter_${id}_${randomBytes(SECRET_BYTES).toString("base64url")}`;
  return { id, token: body + checksum(body) };
}

/** The id in a token that is whole; undefined for anything else. */
export function idIn(token: string): string | undefined {
  const [, body = "", id, check] = TOKEN.exec(token) ?? [];
  return check !== undefined && checksum(body) === check ? id : undefined;
}

/**
 * What is stored of a token. A plain fast hash is right here: slow ones make up for passwords that can be
 * guessed, and nobody guesses 256 random bits.
 */
export function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** A text for logs and messages, without what may be a token. */
export function withoutTokens(text: string): string {
  return text.replace(LIKE_A_TOKEN, "dexter_…");
}

function checksum(body: string): string {
  return digestOf(body).toString("hex").slice(0, CHECK_DIGITS);
}
