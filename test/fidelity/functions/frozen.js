// A handler object that nobody may write to.
const handler = {
  async fetch(request) {
    return new Response(`${this === handler} ${Object.isFrozen(this)} ${new URL(request.url).pathname}`);
  },
};

export default Object.freeze(handler);
