/**
 * Encryption of one secret: AES-256-GCM with a random nonce of 96 bits for each time (NIST SP 800-38D, 8.2.2:
 * good for 2³² times with one key). What it is for is authenticated with it, so that a value in another place,
 * of another function or under another name, does not open.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Part of what is authenticated: a later form cannot be taken for this one. */
const FORMAT = "dexter secret 1";

/** Where a value belongs. */
interface SecretPlace {
  readonly functionName: string;
  readonly name: string;
}

/** Nonce, ciphertext and tag, in base64. */
export function seal(key: Buffer, place: SecretPlace, value: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(placeBytes(place));
  const sealed = Buffer.concat([nonce, cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return sealed.toString("base64");
}

/** The value; undefined when it was sealed with another key or for another place, or has been changed. */
export function unseal(key: Buffer, place: SecretPlace, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, "base64");
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(placeBytes(place));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const value = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
    return Buffer.concat(value).toString("utf8");
  } catch {
    return undefined;
  }
}

/** Tells keys apart, and says nothing else about them. */
export function keyId(key: Buffer): string {
  return createHmac("sha256", key).update("dexter key id").digest("hex").slice(0, 16);
}

/** NUL stands in neither name, so no two places have the same bytes. */
function placeBytes({ functionName, name }: SecretPlace): Buffer {
  return Buffer.from([FORMAT, functionName, name].join("\0"));
}
