// Says what the function saw of the request, whatever its method, path and headers.
export default {
  async fetch(request) {
    const body = new Uint8Array(await request.arrayBuffer());
    return Response.json({
      method: request.method,
      url: request.url,
      headers: [...request.headers],
      body: [...body.subarray(0, 2000)].map((byte) => String.fromCharCode(byte)).join(""),
      bodyLength: body.length,
      redirect: request.redirect,
    });
  },
};
