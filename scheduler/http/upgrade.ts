/** Node gives an upgrade request a socket only; this makes the response object that others have. */
import { type IncomingMessage, ServerResponse } from "node:http";

/** A response object for an upgrade request, for which Node gives only the socket. */
export function responseFor(req: IncomingMessage): ServerResponse {
  const res = new ServerResponse(req);
  res.assignSocket(req.socket);
  res.shouldKeepAlive = false;
  res.on("finish", () => {
    res.detachSocket(req.socket);
    req.socket.destroySoon();
  });
  return res;
}
