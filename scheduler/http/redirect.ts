/** Requests that came unencrypted, where `redirect` in `[dexter.tls]` is on, are sent to https. */
import type { ClientRequest } from "./client-request.ts";

const PORT = /:\d*$/;

/**
 * Answers 308, after which a client asks again with the same method and body (RFC 9110 §15.4.9).
 * @param port where https is spoken
 * @returns the length of the answer's body
 */
export function answerRedirect(request: ClientRequest, id: string, port: number): number {
  const { host, path } = request.head.facts;
  const authority = `${host.replace(PORT, "")}${port === 443 ? "" : `:${port}`}`;
  const location = `https://${authority}${path}`;
  const body = `moved to ${location}\n`;
  const type = "Content-Type: text/plain; charset=utf-8\r\n";
  request.answer(308, `Location: ${location}\r\n${type}X-Request-Id: ${id}\r\n`, body);
  return body.length;
}
